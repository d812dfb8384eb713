#include "aface/core/error.h"

namespace aface {

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return 2;
    case ErrorKind::kIo:
    case ErrorKind::kFormat:
    case ErrorKind::kData:
      return 3;
    case ErrorKind::kNumeric:
      return 4;
    case ErrorKind::kInternal:
      break;
  }
  return 70;
}

}  // namespace aface
