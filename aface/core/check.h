#pragma once

#include <fmt/core.h>

#include "aface/core/error.h"

// A broken promise of our own code: always on, throws Error{kInternal}. Never for the caller's input.
#define AFACE_CHECK(condition, ...)                                                                      \
  do {                                                                                                   \
    if (!(condition)) {                                                                                  \
      throw ::aface::Error(::aface::ErrorKind::kInternal,                                                \
                           ::fmt::format("{}:{}: internal error, please report: {} ({})", __FILE__,      \
                                         __LINE__, ::fmt::format(__VA_ARGS__), #condition));             \
    }                                                                                                    \
  } while (false)
