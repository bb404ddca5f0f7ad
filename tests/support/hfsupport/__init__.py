# SPDX-License-Identifier: Apache-2.0
"""What the Python tests against a running server share."""
