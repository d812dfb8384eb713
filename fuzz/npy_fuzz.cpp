#include "aface/io/npy.h"
#include "fuzz/fuzz.h"

// A matrix of NumPy.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aface;
  const fuzz::MemoryFile file(data, size);
  fuzz::expect_error_or_nothing([&] {
    const NpyMatrix matrix = read_npy_matrix(file.path());
    if (matrix.values.size() != static_cast<std::size_t>(matrix.rows * matrix.dim)) std::abort();
  });
  return 0;
}
