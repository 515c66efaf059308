"""`touchstone registry`: who may issue what, asked and edited over the operator API."""
