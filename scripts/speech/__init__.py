"""Makes labelled telephone clips of people, machines, silence and faxes; README.md says how."""
