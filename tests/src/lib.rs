//! What must hold for the whole project; the tests are in `tests/`.
