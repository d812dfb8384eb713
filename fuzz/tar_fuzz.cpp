#include "aface/io/tar.h"
#include "aface/io/tar_shards.h"
#include "fuzz/fuzz.h"

// A tar archive: its list of files, and the photos in it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aface;
  fuzz::expect_error_or_nothing([&] {
    for (const TarMember& member : list_tar({data, size}, "x.tar")) {
      if (member.offset > size || member.size > size - member.offset) std::abort();
      fuzz::touch({data + member.offset, static_cast<std::size_t>(member.size)});
    }
  });
  const fuzz::MemoryFile file(data, size);
  fuzz::expect_error_or_nothing([&] {
    const TarShards shards(file.path());
    for (std::int64_t i = 0; i < shards.num_images(); ++i) {
      fuzz::touch(shards.image(i));
      (void)shards.identity_names().at(static_cast<std::size_t>(shards.identity(i)));
    }
  });
  fuzz::expect_error_or_nothing([&] {
    const TarShards shards(file.path(), TarLabels::kIgnored);
    for (std::int64_t i = 0; i < shards.num_images(); ++i) {
      fuzz::touch(shards.image(i));
      if (shards.name(i).find('\n') != std::string::npos) std::abort();
    }
  });
  return 0;
}
