#include "aface/io/safetensors.h"
#include "fuzz/fuzz.h"

// Weights and checkpoints.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aface;
  const fuzz::MemoryFile file(data, size);
  fuzz::expect_error_or_nothing([&] { (void)read_safetensors(file.path()); });
  fuzz::expect_error_or_nothing([&] { (void)read_safetensors_metadata(file.path()); });
  fuzz::expect_error_or_nothing([&] { verify_safetensors(file.path()); });
  return 0;
}
