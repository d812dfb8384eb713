#include "aface/io/record_index.h"
#include "aface/io/record_set.h"
#include "fuzz/fuzz.h"

// The text files beside a .rec.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aface;
  const std::string text(reinterpret_cast<const char*>(data), size);
  fuzz::expect_error_or_nothing([&] { (void)parse_record_index(text, "x.idx"); });
  fuzz::expect_error_or_nothing([&] { (void)parse_record_property(text, "property"); });
  return 0;
}
