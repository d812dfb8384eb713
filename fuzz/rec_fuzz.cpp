#include <vector>

#include "aface/io/image_record.h"
#include "aface/io/recordio.h"
#include "fuzz/fuzz.h"

// All records of a RecordIO file, front to back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aface;
  const std::string path = "x.rec";
  fuzz::expect_error_or_nothing([&] {
    std::vector<unsigned char> joined;
    for (std::uint64_t at = 0; at < size;) {
      const RecordView view = read_record({data, size}, at, joined, path);
      if (view.end <= at || view.end > size || view.end % 4 != 0) std::abort();
      const ImageRecord record = parse_image_record(view.payload, path, at);
      fuzz::touch(record.more_labels);
      fuzz::touch(record.body);
      (void)record.first_label();
      at = view.end;
    }
  });
  return 0;
}
