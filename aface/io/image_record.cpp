#include "aface/io/image_record.h"

#include <fmt/core.h>

#include <cstring>

#include "aface/core/check.h"

namespace aface {
namespace {

constexpr std::size_t kHeaderBytes = 24;

template <class T>
T value_at(const unsigned char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <class T>
void append(std::vector<unsigned char>& bytes, T value) {
  const auto* begin = reinterpret_cast<const unsigned char*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof value);
}

}  // namespace

float ImageRecord::more_label(std::size_t i) const {
  AFACE_CHECK(i < flag, "label {} of {}", i, flag);
  return value_at<float>(more_labels.data() + i * sizeof(float));
}

ImageRecord parse_image_record(Span<const unsigned char> payload, const std::string& path,
                               std::uint64_t offset) {
  if (payload.size() < kHeaderBytes) {
    throw Error(
        ErrorKind::kFormat,
        fmt::format(
            "{}@{}: a record of {} bytes is no image (its header alone has {}); expected a file packed for "
            "MXNet",
            path, offset, payload.size(), kHeaderBytes));
  }
  ImageRecord record;
  record.flag = value_at<std::uint32_t>(payload.data());
  record.label = value_at<float>(payload.data() + 4);
  record.id = value_at<std::uint64_t>(payload.data() + 8);
  record.id2 = value_at<std::uint64_t>(payload.data() + 16);
  const std::size_t left = payload.size() - kHeaderBytes;
  if (record.flag > left / sizeof(float)) {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}@{}: the record says {} labels, its {} bytes do not hold them; the file is "
                            "damaged or not packed for MXNet",
                            path, offset, record.flag, payload.size()));
  }
  record.more_labels = {payload.data() + kHeaderBytes, record.flag * sizeof(float)};
  record.body = {record.more_labels.end(), left - record.more_labels.size()};
  return record;
}

void append_image_header(std::vector<unsigned char>& bytes, const std::vector<float>& labels,
                         std::uint64_t id, std::uint64_t id2) {
  AFACE_CHECK(!labels.empty(), "an image without a label");
  const bool is_scalar = labels.size() == 1;
  append(bytes, is_scalar ? std::uint32_t{0} : static_cast<std::uint32_t>(labels.size()));
  append(bytes, is_scalar ? labels[0] : 0.0f);
  append(bytes, id);
  append(bytes, id2);
  if (is_scalar) return;
  for (const float label : labels) append(bytes, label);
}

}  // namespace aface
