#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/file_writer.h"
#include "aface/core/span.h"

namespace aface {

// A regular file inside an archive.
struct TarMember {
  std::string name;
  std::uint64_t offset = 0;  // of its first byte in the archive
  std::uint64_t size = 0;
};

// The regular files of a tar archive in the order of the archive: ustar with prefixes, GNU's long names and
// pax's names and sizes. Folders and links are passed over, as is what an archive says about times and
// owners. Archives put one behind the other are read as one. `path` opens messages. Throws Error{kFormat}
// "path@offset: ..." for a damaged header, a file that is cut short (an archive ends with blocks of zeros),
// or a sparse file.
std::vector<TarMember> list_tar(Span<const unsigned char> archive, const std::string& path);

// Appends one file; names longer than 100 bytes are written as GNU does.
void write_tar_member(FileWriter& archive, const std::string& name, Span<const unsigned char> content);
// Two blocks of zeros and, as tar does, more up to a multiple of 10,240 bytes.
void write_tar_end(FileWriter& archive);

// Bytes that write_tar_member() needs for a name that is not long.
std::uint64_t tar_member_bytes(std::uint64_t content_size);
// Size of an archive whose last file ends at `offset`.
std::uint64_t tar_archive_bytes(std::uint64_t offset);

}  // namespace aface
