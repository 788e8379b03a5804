"""Plan and simulate CT-guided HDR Ir-192 brachytherapy of liver lesions. Research software, never for treatment."""

__version__ = "0.1.0"
