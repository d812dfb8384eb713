#pragma once

#include <cstdint>
#include <string>

#include "aface/core/field.h"

namespace aface {

// [backbone]: the network from chip to embedding.
struct BackboneOptions {
  std::string kind = "small_resnet";  // a name from the backbone registry
  std::int64_t input_size = 112;      // side of the chips in pixels; a multiple of 16
  std::int64_t embedding_dim = 512;
  std::int64_t width = 32;            // small nets: channels of the first stage
  double dropout = 0.0;               // before the last linear layer
};

template <class Visitor>
void describe(Visitor& v, BackboneOptions& o) {
  v.field("kind", o.kind, doc("the network").choice({"iresnet18", "iresnet34", "iresnet50", "iresnet100",
                                                      "mobilefacenet", "small_resnet", "tiny_cnn"}));
  v.field("input_size", o.input_size, doc("side of the chips in pixels, a multiple of 16").range(16, 1024));
  v.field("embedding_dim", o.embedding_dim, doc("length of the embedding").range(2, 8192));
  v.field("width", o.width, doc("small nets: channels of the first stage").range(4, 1024));
  v.field("dropout", o.dropout, doc("before the last linear layer").range(0, 0.95));
}

}  // namespace aface
