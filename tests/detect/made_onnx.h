#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace aface::test {

// One output of a made network, [1, rows, columns]: value = bias + weight * mean of the first input channel.
struct MadeOutput {
  std::string name;
  std::int64_t columns = 1;
  std::vector<float> bias;    // [rows * columns]
  std::vector<float> weight;  // the same, or empty: 0
};

// Just enough of the protobuf encoding to write an ONNX file by hand.
class Message {
 public:
  Message& number(int field, std::uint64_t value) {
    varint(static_cast<std::uint64_t>(field) << 3);
    varint(value);
    return *this;
  }
  Message& text(int field, const std::string& value) {
    varint(static_cast<std::uint64_t>(field) << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(int field, const Message& value) { return text(field, value.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

template <class T>
std::string raw(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

inline Message tensor(const std::string& name, int type, const std::vector<std::int64_t>& dims,
                      const std::string& data) {
  Message message;
  for (const auto dim : dims) message.number(1, static_cast<std::uint64_t>(dim));
  return message.number(2, static_cast<std::uint64_t>(type)).text(8, name).text(9, data);
}

inline Message value_info(const std::string& name, const std::vector<std::int64_t>& dims) {
  Message shape;
  for (const auto dim : dims) shape.message(1, Message().number(1, static_cast<std::uint64_t>(dim)));
  const Message type = Message().message(1, Message().number(1, 1).message(2, shape));
  return Message().text(1, name).message(2, type);
}

inline Message node(const std::string& kind, const std::vector<std::string>& inputs,
                    const std::string& output) {
  Message message;
  for (const auto& input : inputs) message.text(1, input);
  return message.text(2, output).text(3, kind + "_" + output).text(4, kind);
}

// An ONNX file with these outputs, for input pictures of any size.
inline std::string made_onnx(const std::vector<MadeOutput>& outputs) {
  constexpr int kFloat = 1, kInt64 = 7, kInts = 7;
  Message graph;
  graph.message(1, node("GlobalAveragePool", {"input"}, "mean"));
  std::vector<Message> initializers, infos;
  for (const MadeOutput& output : outputs) {
    const auto count = static_cast<std::int64_t>(output.bias.size());
    std::vector<float> weight(output.bias.size() * 3, 0.0f);
    for (std::size_t i = 0; i < output.weight.size(); ++i) weight[3 * i] = output.weight[i];
    const std::string& name = output.name;
    const Message kernel = Message().text(1, "kernel_shape").number(8, 1).number(8, 1).number(20, kInts);
    graph.message(1, node("Conv", {"mean", name + "_w", name + "_b"}, name + "_flat").message(5, kernel));
    graph.message(1, node("Reshape", {name + "_flat", name + "_s"}, name));
    initializers.push_back(tensor(name + "_w", kFloat, {count, 3, 1, 1}, raw(weight)));
    initializers.push_back(tensor(name + "_b", kFloat, {count}, raw(output.bias)));
    initializers.push_back(tensor(name + "_s", kInt64, {3},
                                  raw(std::vector<std::int64_t>{1, count / output.columns, output.columns})));
    infos.push_back(value_info(name, {1, count / output.columns, output.columns}));
  }
  graph.text(2, "made");
  for (const auto& initializer : initializers) graph.message(5, initializer);
  graph.message(11, value_info("input", {1, 3, 96, 64}));
  for (const auto& info : infos) graph.message(12, info);
  return Message().number(1, 6).message(8, Message().number(2, 11)).message(7, graph).bytes();
}

}  // namespace aface::test
