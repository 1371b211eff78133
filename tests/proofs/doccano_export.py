"""Run by the Python of an environment with doccano: reads our files, codes them, and writes doccano's export.

    python doccano_export.py A.doccano.jsonl A.doccano.labels.json said.json all.jsonl

The reading is doccano's own (``data_import``), the codes are stored as its API stores them, the writing is ``data_export``.
The data base is a file in the working directory.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main(data: Path, names: Path, said: dict[str, Any], out: Path) -> None:
    import backend  # type: ignore[import-not-found]

    sys.path.insert(0, str(Path(backend.__file__).parent))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.development"
    os.environ["DATABASE_URL"] = f"sqlite:///{Path.cwd()}/doccano.sqlite3"
    import django  # type: ignore[import-not-found]

    django.setup()
    from django.core.management import call_command  # type: ignore[import-not-found]

    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User  # type: ignore[import-not-found]

    user = User.objects.create_user("a", password="a")
    project = take(user, data, names)
    code(user, project, said)
    export(user, project, out)


def take(user: Any, data: Path, names: Path) -> Any:
    """A project with our data set and our names."""
    from data_import.datasets import load_dataset  # type: ignore[import-not-found]
    from data_import.pipeline.catalog import JSONL  # type: ignore[import-not-found]
    from data_import.pipeline.readers import FileName  # type: ignore[import-not-found]
    from label_types.serializers import CategoryTypeSerializer  # type: ignore[import-not-found]
    from projects.models import ProjectType, TextClassificationProject  # type: ignore[import-not-found]

    project = TextClassificationProject.objects.create(
        name="packet", description="", project_type=ProjectType.DOCUMENT_CLASSIFICATION, created_by=user
    )
    name = FileName(str(data), data.name, data.name)
    dataset = load_dataset("TextClassification", JSONL, [name], project, encoding="utf_8")
    dataset.save(user)
    assert not dataset.errors, dataset.errors
    types = CategoryTypeSerializer(data=json.loads(names.read_text(encoding="utf-8")), many=True)
    types.is_valid(raise_exception=True)
    types.save(project=project)
    return project


def code(user: Any, project: Any, said: dict[str, Any]) -> None:
    """Codes, comments, and the mark that the text is done."""
    from examples.models import Comment, Example, ExampleState  # type: ignore[import-not-found]
    from label_types.models import CategoryType  # type: ignore[import-not-found]
    from labels.models import Category  # type: ignore[import-not-found]

    known = {kind.text: kind for kind in CategoryType.objects.filter(project=project)}
    for example in Example.objects.filter(project=project):
        codes, memo = said[example.meta["unit_id"]]
        chosen = ["none"] if codes == [] else [("", "2nd ")[i] + each for i, each in enumerate(codes or ())]
        for text in chosen:
            Category.objects.create(example=example, user=user, label=known[text])
        if memo:
            Comment.objects.create(example=example, user=user, text=memo)
        ExampleState.objects.create(example=example, confirmed_by=user)


def export(user: Any, project: Any, out: Path) -> None:
    """As its export task does."""
    from data_export.models import ExportedExample  # type: ignore[import-not-found]
    from data_export.pipeline import factories  # type: ignore[import-not-found]
    from data_export.pipeline.dataset import Dataset  # type: ignore[import-not-found]
    from data_export.pipeline.services import ExportApplicationService  # type: ignore[import-not-found]

    examples = ExportedExample.objects.confirmed(project, user=user)
    parts = factories.create_labels(project, examples, user), factories.create_comment(examples, user)
    service = ExportApplicationService(
        Dataset(examples, *parts),
        factories.create_formatter(project, "JSONL"),
        factories.create_writer("JSONL"),
    )
    service.export(str(out))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text()), Path(sys.argv[4]))
