#include <vector>

#include "aface/io/verification_bin.h"
#include "fuzz/fuzz.h"

// A pickled verification set.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aface;
  fuzz::expect_error_or_nothing([&] {
    const VerificationBin set = parse_verification_bin({data, data + size}, "x.bin");
    if (set.images.size() != 2 * set.same.size()) std::abort();
    for (const auto& image : set.images) fuzz::touch(image);
    (void)pairs_of(set, "x.bin");
  });
  return 0;
}
