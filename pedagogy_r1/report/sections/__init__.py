"""The sections of the report's page: a file here is a section, found by being here.

    def section(study: Study) -> Section:           or several
        return Section("length", "How long traces are", lead=(f"{len(study.data.traces)} traces",)).at(35)

A section computes from the `Study`; what another section has measured it asks for with ``study.once(measure_…)``. Other distributions
add sections through the entry-point group ``pedagogy_r1.report.sections``.
"""
