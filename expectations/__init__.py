"""What data must look like: one module per dataset."""
