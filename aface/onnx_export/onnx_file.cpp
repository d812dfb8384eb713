#include "aface/onnx_export/onnx_file.h"

#include <fmt/format.h>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/onnx_export/onnx_graph.h"
#include "aface/onnx_export/onnx_protobuf.h"

namespace aface {
namespace {

constexpr int kIrVersion = 6, kOpset = 11;  // of ONNX 1.6, end of 2019

void add_metadata(const Model& model, const EightBits* bits, onnx::ModelProto& out) {
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
  add("precision", bits == nullptr ? "float32" : "int8");
  add("digest", model.digest);
  add("embedding_digest", model.embedding_digest);
}

}  // namespace

void write_onnx(const std::string& path, const Graph& graph, const Model& model, const EightBits* bits) {
  onnx::ModelProto out;
  out.set_ir_version(kIrVersion);
  out.set_producer_name("adaptiveface");
  onnx::OperatorSetIdProto& opset = *out.add_opset_import();
  opset.set_domain("");
  opset.set_version(kOpset);
  write_graph(graph, bits, *out.mutable_graph());
  add_metadata(model, bits, out);
  std::string bytes;
  if (!out.SerializeToString(&bytes)) {
    throw Error(ErrorKind::kData, fmt::format("{}: the network is too large for an ONNX file (2 GiB)", path));
  }
  write_file_atomically(path, bytes);
}

}  // namespace aface
