"""Whether numbers are those worked by hand."""

import torch


def close(actual, expected, tolerance=1e-5):
    torch.testing.assert_close(
        torch.as_tensor(actual, dtype=torch.float32),
        torch.as_tensor(expected, dtype=torch.float32),
        rtol=0,
        atol=tolerance,
    )
