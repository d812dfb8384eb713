#include "aface/onnx_export/onnx_graph.h"

#include <optional>
#include <string>
#include <vector>

#include "aface/core/check.h"
#include "aface/onnx_export/onnx_file.h"
#include "aface/onnx_export/onnx_protobuf.h"

namespace aface {
namespace {

// Every value is there as numbers under its own name, in eight-bit codes under names with these endings, or
// both. OpenCV 4.6 tells codes by just these names.
constexpr const char* kCodes = "_quantized";
constexpr const char* kCodeScale = "_scale";
constexpr const char* kCodeZero = "_zero_point";

class GraphWriter {
 public:
  // `bits` may be null.
  GraphWriter(const Graph& graph, const EightBits* bits, onnx::GraphProto& out)
      : graph_(graph), bits_(bits), out_(out), values_(graph.nodes.size() + 1) {}

  void write() {
    out_.set_name("adaptiveface");
    describe(*out_.add_input(), kOnnxInput, {3, graph_.input_size, graph_.input_size});
    describe(*out_.add_output(), kOnnxOutput, {graph_.nodes.back().channels});
    has(Node::kChips).numbers = true;
    for (int i = 0; i < static_cast<int>(graph_.nodes.size()); ++i) write(i);
  }

 private:
  // What of a value has been written so far.
  struct Written {
    bool numbers = false, codes = false;
    std::optional<int> same_as;  // another node whose value it is
  };

  // [batch, extents...], the batch of any size.
  static void describe(onnx::ValueInfoProto& value, const std::string& name,
                       const std::vector<std::int64_t>& extents) {
    value.set_name(name);
    onnx::TypeProto_Tensor& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_param("batch");
    for (const std::int64_t extent : extents) type.mutable_shape()->add_dim()->set_dim_value(extent);
  }

  Written& has(int i) { return values_[static_cast<std::size_t>(i + 1)]; }
  const Node& node(int i) const { return graph_.nodes[static_cast<std::size_t>(i)]; }
  bool is_last(int i) const { return i + 1 == static_cast<int>(graph_.nodes.size()); }

  std::string name_of(int i) const {
    if (i == Node::kChips) return kOnnxInput;
    return is_last(i) ? kOnnxOutput : node(i).name;
  }

  // The name of a value, whose numbers, or codes, are there afterwards: made from the other if need be.
  std::string with_numbers(int i) {
    if (has(i).same_as) return with_numbers(*has(i).same_as);
    const std::string name = name_of(i);
    if (!has(i).numbers) add_node("DequantizeLinear", name, coded(name), name);
    has(i).numbers = true;
    return name;
  }
  std::string with_codes(int i) {
    if (has(i).same_as) return with_codes(*has(i).same_as);
    const std::string name = name_of(i);
    if (!has(i).codes) {
      add_code(name, code_of(i));
      add_node("QuantizeLinear", name + kCodes, {name, name + kCodeScale, name + kCodeZero}, name + kCodes);
    }
    has(i).codes = true;
    return name;
  }
  static std::vector<std::string> coded(const std::string& name) {
    return {name + kCodes, name + kCodeScale, name + kCodeZero};
  }

  const ValueCode& code_of(int i) const {
    AFACE_CHECK(i != Node::kChips, "chips have no code");
    const std::optional<ValueCode>& code = bits_->values[static_cast<std::size_t>(i)];
    AFACE_CHECK(code.has_value(), "'{}' has no code", name_of(i));
    return *code;
  }
  const LayerCode* layer_code(int i) const {
    if (bits_ == nullptr) return nullptr;
    const std::optional<LayerCode>& code = bits_->layers[static_cast<std::size_t>(i)];
    return code ? &*code : nullptr;
  }

  static onnx::TensorProto::DataType type_of(float) { return onnx::TensorProto::FLOAT; }
  static onnx::TensorProto::DataType type_of(std::int8_t) { return onnx::TensorProto::INT8; }
  static onnx::TensorProto::DataType type_of(std::uint8_t) { return onnx::TensorProto::UINT8; }
  static onnx::TensorProto::DataType type_of(std::int32_t) { return onnx::TensorProto::INT32; }

  template <class Value>
  std::string add_array(const std::string& name, const std::vector<std::int64_t>& shape,
                        const std::vector<Value>& values) {
    onnx::TensorProto& tensor = *out_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type_of(Value()));
    for (const std::int64_t extent : shape) tensor.add_dims(extent);
    tensor.set_raw_data(values.data(), values.size() * sizeof(Value));  // little-endian, as we are
    return name;
  }

  void add_code(const std::string& name, const ValueCode& code) {
    add_array(name + kCodeScale, {}, std::vector<float>{code.scale});
    add_array(name + kCodeZero, {}, std::vector<std::uint8_t>{code.zero_point});
  }

  onnx::NodeProto& add_node(const std::string& type, const std::string& name,
                            const std::vector<std::string>& inputs, const std::string& output) {
    onnx::NodeProto& out = *out_.add_node();
    out.set_op_type(type);
    out.set_name(name);
    for (const std::string& input : inputs) out.add_input(input);
    out.add_output(output);
    return out;
  }

  static void set(onnx::NodeProto& node, const std::string& name, std::int64_t value) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(value);
  }
  static void set(onnx::NodeProto& node, const std::string& name, const std::vector<std::int64_t>& values) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) attribute.add_ints(value);
  }
  static void set_window(onnx::NodeProto& out, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                         std::int64_t groups) {
    set(out, "kernel_shape", std::vector<std::int64_t>{kernel, kernel});
    set(out, "strides", std::vector<std::int64_t>{stride, stride});
    set(out, "pads", std::vector<std::int64_t>{padding, padding, padding, padding});
    set(out, "dilations", std::vector<std::int64_t>{1, 1});
    set(out, "group", groups);
  }

  void write(int i) {
    if (const LayerCode* code = layer_code(i)) return write_in_codes(i, *code);
    switch (node(i).operation) {
      case Operation::kConvolution:
        write_convolution(i);
        break;
      case Operation::kScaleShift:
        write_scale_shift(i);
        break;
      case Operation::kFullyConnected:
        write_fully_connected(i);
        break;
      case Operation::kPRelu:
        add_node("PRelu", node(i).name,
                 {with_numbers(node(i).inputs[0]),
                  add_array(node(i).name + ".weight", {node(i).channels, 1, 1}, node(i).weight)},
                 name_of(i));
        break;
      case Operation::kRelu:
        if (is_rectified(node(i).inputs[0])) {
          has(i).same_as = node(i).inputs[0];
          return;
        }
        add_node("Relu", node(i).name, {with_numbers(node(i).inputs[0])}, name_of(i));
        break;
      case Operation::kAdd:
        add_node("Add", node(i).name, {with_numbers(node(i).inputs[0]), with_numbers(node(i).inputs[1])},
                 name_of(i));
        break;
    }
    has(i).numbers = true;
  }

  // A layer whose code has no room for values below 0.
  bool is_rectified(int i) const {
    return i != Node::kChips && layer_code(i) != nullptr && code_of(i).zero_point == 0;
  }

  // A fully connected layer is a convolution over the whole of its input here: that operation has a bias.
  void write_in_codes(int i, const LayerCode& code) {
    const Node& n = node(i);
    const bool is_convolution = n.operation == Operation::kConvolution;
    const int input = n.inputs[0];
    const std::int64_t in = graph_.channels_of(input) / n.groups,
                       kernel = is_convolution ? n.kernel : graph_.side_of(input);
    const std::string weight = n.name + ".weight", out = is_last(i) ? n.name : name_of(i);
    std::vector<std::string> inputs = coded(with_codes(input));
    inputs.push_back(add_array(weight, {n.channels, in, kernel, kernel}, code.weight));
    inputs.push_back(add_array(weight + kCodeScale, {n.channels}, code.weight_scale));
    const std::vector<std::int8_t> zeros(static_cast<std::size_t>(n.channels));
    inputs.push_back(add_array(weight + kCodeZero, {n.channels}, zeros));
    add_code(out, code_of(i));
    inputs.push_back(out + kCodeScale);
    inputs.push_back(out + kCodeZero);
    inputs.push_back(add_array(n.name + ".bias", {n.channels}, code.bias));
    set_window(add_node("QLinearConv", out + kCodes, inputs, out + kCodes), kernel, n.stride, n.padding,
               n.groups);
    has(i).codes = true;
    if (!is_last(i)) return;
    add_node("DequantizeLinear", out, coded(out), out);
    set(add_node("Flatten", out + ".flat", {out}, kOnnxOutput), "axis", 1);
  }

  void write_convolution(int i) {
    const Node& n = node(i);
    const std::int64_t in = graph_.channels_of(n.inputs[0]) / n.groups;
    onnx::NodeProto& out =
        add_node("Conv", n.name,
                 {with_numbers(n.inputs[0]),
                  add_array(n.name + ".weight", {n.channels, in, n.kernel, n.kernel}, n.weight),
                  add_array(n.name + ".bias", {n.channels}, n.bias)},
                 name_of(i));
    set_window(out, n.kernel, n.stride, n.padding, n.groups);
  }

  // A normalisation with mean 0 and variance 1: other programs have it as one fast operation.
  void write_scale_shift(int i) {
    const Node& n = node(i);
    const auto channels = static_cast<std::size_t>(n.channels);
    const std::vector<std::string> inputs = {
        with_numbers(n.inputs[0]), add_array(n.name + ".weight", {n.channels}, n.weight),
        add_array(n.name + ".bias", {n.channels}, n.bias),
        add_array(n.name + ".mean", {n.channels}, std::vector<float>(channels, 0.0F)),
        add_array(n.name + ".variance", {n.channels}, std::vector<float>(channels, 1.0F))};
    onnx::AttributeProto& epsilon =
        *add_node("BatchNormalization", n.name, inputs, name_of(i)).add_attribute();
    epsilon.set_name("epsilon");
    epsilon.set_type(onnx::AttributeProto::FLOAT);
    epsilon.set_f(0);
  }

  void write_fully_connected(int i) {
    const Node& n = node(i);
    const auto in = static_cast<std::int64_t>(n.weight.size()) / n.channels;
    const std::string flat = n.name + ".flat";
    set(add_node("Flatten", flat, {with_numbers(n.inputs[0])}, flat), "axis", 1);
    onnx::NodeProto& out = add_node("Gemm", n.name,
                                    {flat, add_array(n.name + ".weight", {n.channels, in}, n.weight),
                                     add_array(n.name + ".bias", {n.channels}, n.bias)},
                                    name_of(i));
    set(out, "transB", 1);
  }

  const Graph& graph_;
  const EightBits* const bits_;
  onnx::GraphProto& out_;
  std::vector<Written> values_;  // the chips first
};

}  // namespace

void write_graph(const Graph& graph, const EightBits* bits, onnx::GraphProto& out) {
  GraphWriter(graph, bits, out).write();
}

}  // namespace aface
