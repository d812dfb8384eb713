#pragma once

#include <cstdint>
#include <string>

#include "aface/data/data_options.h"

namespace aface {

struct ConvertOptions {
  DataOptions from;
  std::string to;  // folder | list | rec | tar
  std::string
      to_path;  // a folder; a list of the files that `from` has; a .rec; <name>.tar for <name>-000000.tar
  bool is_plain = false;
  std::int64_t shard_bytes = 1'000'000'000;
};

struct ConvertReport {
  std::int64_t images = 0;
  std::int64_t identities = 0;
  std::uint64_t bytes = 0;  // of the pictures
  std::string remark;       // or ""
};

// Copies photos from one form to another, byte for byte, identity by identity and otherwise in the order of
// the source. What was written is read back: count, identities by name, and a digest of every photo's bytes.
// Throws Error: what load_dataset() and make_photo_writer() throw, kData for a photo that cannot be had, kIo
// when what was read back differs; Stopped on a signal.
ConvertReport convert_photos(const ConvertOptions& options);

}  // namespace aface
