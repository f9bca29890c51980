"""Documents: uploaded files rendered safely, photos measured, certificates and reports drawn as PDF."""
