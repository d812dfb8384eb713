#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/file_writer.h"
#include "aface/core/span.h"

namespace aface {

// The container of dmlc-core (recordio.h there). A record is one or more parts, each
//   uint32 magic | uint32 flag << 29 | length | payload | zeros up to a multiple of four bytes
// with flag 0 for a whole record and 1, 2, 3 for the first, a middle and the last part of one that is split:
// at every place where the magic itself stands in the payload at a multiple of four bytes. Those four bytes
// are not stored and are put back between the parts. Little-endian.
constexpr std::uint32_t kRecordMagic = 0xced7230a;
constexpr std::uint64_t kMaxRecordBytes = (std::uint64_t{1} << 29) - 1;  // of a payload that can be written

struct RecordView {
  Span<const unsigned char> payload;  // in the file's bytes or, of a split record, in the caller's buffer
  std::uint64_t end = 0;              // offset of whatever follows
};

// The record that begins at `offset` of `file`. `joined` is used for split records only. `path` opens
// messages. Throws Error{kFormat} "path@offset: ..." when no whole record stands there.
RecordView read_record(Span<const unsigned char> file, std::uint64_t offset,
                       std::vector<unsigned char>& joined, const std::string& path);

// Appends a record. Throws Error{kData} when it is longer than kMaxRecordBytes.
void write_record(FileWriter& file, Span<const unsigned char> payload);

}  // namespace aface
