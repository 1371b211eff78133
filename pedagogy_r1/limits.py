"""Every threshold of the project, each with the simulation it rests on."""
