//! IP fragments put together.
