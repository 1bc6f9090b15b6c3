"""`make demo`: the operator at work on hack/samples, on real parts, watched live."""
