#pragma once

#include <string>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/image/image.h"
#include "aface/model/model_card.h"

namespace aface {

// One file with everything that is needed to use a network, in safetensors form: the network's arrays under
// their PyTorch names; metadata "backbone" (its options), "card" (model_card.h) and "digest"; and a reference
// chip with the embedding that it must give, arrays "reference.chip" [size, size, 3] and
// "reference.embedding" [dim].
struct Model {
  ModelCard card;
  NamedArrays network;                     // arrays only
  Image reference_chip;                    // card.input_size() pixels square, RGB
  std::vector<float> reference_embedding;  // [dim], length 1
  // SHA-256 over everything else, in hexadecimal; does not depend on how a file is laid out.
  std::string digest;
  // The same over what embeddings depend on: two models with the same one give the same embeddings, whatever
  // thresholds and notes they carry.
  std::string embedding_digest;
};

// Checks the digest, names, shapes and types; whether the network gives the reference embedding is for
// recognise/recogniser.h. Large arrays stay in the file, which is kept open. Throws Error{kIo|kFormat} with
// the path and the reason. A file that lacks some of the parts (model files before they had them, weights of
// other programs) is refused with their list and the command that adds them.
Model read_model(const std::string& path);

// Computes both digests from the rest and writes atomically. Throws Error{kIo}, Error{kUsage} on a model that
// read_model() would refuse.
void write_model(const std::string& path, const Model& model);

// What a recogniser needs and the file does not have, in words; empty for a whole file. Only looks at names.
std::vector<std::string> missing_parts(const std::string& path);

// For readers that want the network alone. Checks the digest where there is one, and takes our arrays and
// metadata away but for "backbone". Throws Error{kIo|kFormat}.
NamedArrays read_network(const std::string& path);

// The options of a network that was read. Throws Error{kFormat} with `path` when there are none.
BackboneOptions network_options(const NamedArrays& network, const std::string& path);

}  // namespace aface
