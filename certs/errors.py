"""What can go wrong with certificates. Every message is for the operator."""


class CertificateError(Exception):
    """A certificate or key is missing, malformed or can't be installed."""
