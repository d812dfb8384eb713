#include "aface/onnx_export/onnx_file.h"

#include <fmt/format.h>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/onnx_export/onnx_protobuf.h"

namespace aface {
namespace {

constexpr int kIrVersion = 6, kOpset = 11;  // of ONNX 1.6, end of 2019

class GraphWriter {
 public:
  GraphWriter(const Graph& graph, onnx::GraphProto& out) : graph_(graph), out_(out) {}

  void write() {
    out_.set_name("adaptiveface");
    describe(*out_.add_input(), kOnnxInput, {3, graph_.input_size, graph_.input_size});
    describe(*out_.add_output(), kOnnxOutput, {graph_.nodes.back().channels});
    for (int i = 0; i < static_cast<int>(graph_.nodes.size()); ++i) write(i);
  }

 private:
  // [batch, extents...], the batch of any size.
  static void describe(onnx::ValueInfoProto& value, const std::string& name,
                       const std::vector<std::int64_t>& extents) {
    value.set_name(name);
    onnx::TypeProto_Tensor& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_param("batch");
    for (const std::int64_t extent : extents) type.mutable_shape()->add_dim()->set_dim_value(extent);
  }

  std::string value_of(int i) const {
    if (i == Node::kChips) return kOnnxInput;
    const bool is_last = i + 1 == static_cast<int>(graph_.nodes.size());
    return is_last ? kOnnxOutput : graph_.nodes[static_cast<std::size_t>(i)].name;
  }

  std::string add_weights(const std::string& name, const std::vector<std::int64_t>& shape,
                          const std::vector<float>& values) {
    onnx::TensorProto& tensor = *out_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t extent : shape) tensor.add_dims(extent);
    tensor.set_raw_data(values.data(), values.size() * sizeof(float));  // little-endian, as we are
    return name;
  }

  onnx::NodeProto& add_node(const std::string& type, const Node& node, const std::vector<std::string>& inputs,
                            const std::string& output) {
    onnx::NodeProto& out = *out_.add_node();
    out.set_op_type(type);
    out.set_name(node.name);
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

  void write(int i) {
    const Node& node = graph_.nodes[static_cast<std::size_t>(i)];
    std::vector<std::string> inputs;
    for (const int input : node.inputs) inputs.push_back(value_of(input));
    switch (node.operation) {
      case Operation::kConvolution:
        return write_convolution(node, inputs[0], value_of(i));
      case Operation::kScaleShift:
        return write_scale_shift(node, inputs[0], value_of(i));
      case Operation::kFullyConnected:
        return write_fully_connected(node, inputs[0], value_of(i));
      case Operation::kPRelu:
        inputs.push_back(add_weights(node.name + ".weight", {node.channels, 1, 1}, node.weight));
        add_node("PRelu", node, inputs, value_of(i));
        return;
      case Operation::kRelu:
        add_node("Relu", node, inputs, value_of(i));
        return;
      case Operation::kAdd:
        add_node("Add", node, inputs, value_of(i));
        return;
    }
  }

  void write_convolution(const Node& node, const std::string& input, const std::string& output) {
    const std::int64_t in = graph_.channels_of(node.inputs[0]), k = node.kernel, p = node.padding;
    const std::string weight =
        add_weights(node.name + ".weight", {node.channels, in / node.groups, k, k}, node.weight);
    const std::string bias = add_weights(node.name + ".bias", {node.channels}, node.bias);
    onnx::NodeProto& out = add_node("Conv", node, {input, weight, bias}, output);
    set(out, "kernel_shape", std::vector<std::int64_t>{k, k});
    set(out, "strides", std::vector<std::int64_t>{node.stride, node.stride});
    set(out, "pads", std::vector<std::int64_t>{p, p, p, p});
    set(out, "dilations", std::vector<std::int64_t>{1, 1});
    set(out, "group", node.groups);
  }

  // A normalisation with mean 0 and variance 1: other programs have it as one fast operation.
  void write_scale_shift(const Node& node, const std::string& input, const std::string& output) {
    const auto channels = static_cast<std::size_t>(node.channels);
    const std::vector<std::string> inputs = {
        input, add_weights(node.name + ".weight", {node.channels}, node.weight),
        add_weights(node.name + ".bias", {node.channels}, node.bias),
        add_weights(node.name + ".mean", {node.channels}, std::vector<float>(channels, 0.0F)),
        add_weights(node.name + ".variance", {node.channels}, std::vector<float>(channels, 1.0F))};
    onnx::AttributeProto& epsilon = *add_node("BatchNormalization", node, inputs, output).add_attribute();
    epsilon.set_name("epsilon");
    epsilon.set_type(onnx::AttributeProto::FLOAT);
    epsilon.set_f(0);
  }

  void write_fully_connected(const Node& node, const std::string& input, const std::string& output) {
    const auto in = static_cast<std::int64_t>(node.weight.size()) / node.channels;
    const std::string flat = node.name + ".flat";
    onnx::NodeProto& flatten = *out_.add_node();
    flatten.set_op_type("Flatten");
    flatten.set_name(flat);
    flatten.add_input(input);
    flatten.add_output(flat);
    set(flatten, "axis", 1);
    onnx::NodeProto& out =
        add_node("Gemm", node,
                 {flat, add_weights(node.name + ".weight", {node.channels, in}, node.weight),
                  add_weights(node.name + ".bias", {node.channels}, node.bias)},
                 output);
    set(out, "transB", 1);
  }

  const Graph& graph_;
  onnx::GraphProto& out_;
};

void add_metadata(const Model& model, onnx::ModelProto& out) {
  const ModelCard& card = model.card;
  const auto add = [&](const std::string& key, const std::string& value) {
    onnx::StringStringEntryProto& entry = *out.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  };
  std::string points;
  for (const Point& point : card.alignment)
    points += fmt::format("{}{} {}", points.empty() ? "" : " ", point.x, point.y);
  add("colour_order", colour_name(card.colour));
  add("mean", fmt::format("{}", fmt::join(card.mean, " ")));
  add("scale", fmt::format("{}", fmt::join(card.scale, " ")));
  add("alignment", points);
  add("flip", flip_name(card.flip));
  add("card", card_json(card));
  add("digest", model.digest);
  add("embedding_digest", model.embedding_digest);
}

}  // namespace

void write_onnx(const std::string& path, const Graph& graph, const Model& model) {
  onnx::ModelProto out;
  out.set_ir_version(kIrVersion);
  out.set_producer_name("adaptiveface");
  onnx::OperatorSetIdProto& opset = *out.add_opset_import();
  opset.set_domain("");
  opset.set_version(kOpset);
  GraphWriter(graph, *out.mutable_graph()).write();
  add_metadata(model, out);
  std::string bytes;
  if (!out.SerializeToString(&bytes)) {
    throw Error(ErrorKind::kData, fmt::format("{}: the network is too large for an ONNX file (2 GiB)", path));
  }
  write_file_atomically(path, bytes);
}

}  // namespace aface
