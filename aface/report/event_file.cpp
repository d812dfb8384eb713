#include "aface/report/event_file.h"

#include <cstring>

#include "aface/report/crc32c.h"

namespace aface {
namespace {

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
namespace field {
constexpr int kEventWallTime = 1;
constexpr int kEventStep = 2;
constexpr int kEventFileVersion = 3;
constexpr int kEventSummary = 5;
constexpr int kEventSessionLog = 7;
constexpr int kSummaryValue = 1;
constexpr int kValueTag = 1;
constexpr int kValueSimpleValue = 2;
constexpr int kSessionLogStatus = 1;
}  // namespace field
constexpr std::uint64_t kSessionStart = 1;

template <class T>
std::string little_endian(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// A protocol-buffer message, field by field (the encoding's wire types 0, 1, 2 and 5).
class Message {
 public:
  Message& varint(int number, std::uint64_t value) {
    key(number, 0);
    put_varint(value);
    return *this;
  }
  Message& fixed64(int number, double value) {
    key(number, 1);
    bytes_ += little_endian(value);
    return *this;
  }
  Message& text(int number, std::string_view value) {
    key(number, 2);
    put_varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& fixed32(int number, float value) {
    key(number, 5);
    bytes_ += little_endian(value);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void key(int number, unsigned wire_type) {
    put_varint(static_cast<std::uint64_t>(number) << 3 | wire_type);
  }
  void put_varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

Message event(double wall_time, std::int64_t step) {
  Message message;
  message.fixed64(field::kEventWallTime, wall_time);
  message.varint(field::kEventStep, static_cast<std::uint64_t>(step));
  return message;
}

}  // namespace

EventFile::EventFile(const std::string& path, std::int64_t first_step, double wall_time)
    : file_(path, AppendFile::Start::kEmpty) {
  append_event(event(wall_time, 0).text(field::kEventFileVersion, "brain.Event:2").bytes());
  const Message start = Message().varint(field::kSessionLogStatus, kSessionStart);
  append_event(event(wall_time, first_step).text(field::kEventSessionLog, start.bytes()).bytes());
}

void EventFile::write(std::int64_t step, const NamedValues& values, double wall_time) {
  Message summary;
  for (const auto& [name, value] : values) {
    Message entry;
    entry.text(field::kValueTag, name).fixed32(field::kValueSimpleValue, static_cast<float>(value));
    summary.text(field::kSummaryValue, entry.bytes());
  }
  append_event(event(wall_time, step).text(field::kEventSummary, summary.bytes()).bytes());
}

void EventFile::append_event(std::string_view event) {
  const std::string length = little_endian(static_cast<std::uint64_t>(event.size()));
  std::string record = length + little_endian(masked_crc32c(length));
  record += event;
  record += little_endian(masked_crc32c(event));
  file_.append(record);
}

}  // namespace aface
