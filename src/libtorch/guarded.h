// Turns exceptions of C++ functions into error messages for Rust.

#pragma once

#include <cstddef>
#include <cstdio>
#include <exception>

#include <c10/util/Exception.h>

// No exception may reach Rust: its message is written to `error`, of `room` bytes, and 1 is returned; else 0.
template <typename Work>
int guarded(char* error, std::size_t room, Work work) {
  try {
    work();
    return 0;
  } catch (const c10::Error& thrown) {
    std::snprintf(error, room, "%s", thrown.what_without_backtrace());
  } catch (const std::exception& thrown) {
    std::snprintf(error, room, "%s", thrown.what());
  } catch (...) {
    std::snprintf(error, room, "unknown error");
  }
  return 1;
}
