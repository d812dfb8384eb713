#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "aface/image/landmarks.h"
#include "aface/nn/backbone_options.h"

namespace aface {

// The cosine from which on two embeddings are taken for one person, and what that means on a verification
// set.
struct FarThreshold {
  double far = 0;        // the target: share of pairs of two people that may be accepted, in (0, 1]
  double threshold = 0;  // cosine; pairs with at least this are accepted
  double tar = 0;        // share of pairs of one person that are then accepted
};

struct Calibration {
  std::string measured_on;   // what the user calls the pairs; empty: not measured
  std::int64_t genuine = 0;  // pairs of one person, and of two
  std::int64_t impostor = 0;
  std::vector<FarThreshold> thresholds;  // from the loosest target to the strictest
};

enum class FlipRule {
  kNone,  // embedding = f(x)
  kSum    // embedding = f(x) + f(x mirrored left to right)
};

enum class ColourOrder { kRgb, kBgr };

// Everything that the use of a model depends on, but for the weights.
struct ModelCard {
  BackboneOptions network;  // kind, side of the chips in pixels, length of the embedding
  // What the network is fed: channel c of the chosen order is (value - mean[c]) / scale[c], values 0..255.
  ColourOrder colour = ColourOrder::kRgb;
  std::array<double, 3> mean = {127.5, 127.5, 127.5};
  std::array<double, 3> scale = {127.5, 127.5, 127.5};
  Landmarks alignment{};  // where the five points lie on a chip, in pixels
  FlipRule flip = FlipRule::kSum;
  Calibration calibration;
  std::string recipe;            // how it was trained, in words
  std::string data_fingerprint;  // of the photos that it was trained on
  std::string program;           // what wrote the file

  int input_size() const { return static_cast<int>(network.input_size); }
  int dim() const { return static_cast<int>(network.embedding_dim); }
};

// A card with our conventions: RGB, [-1, 1], ArcFace's template, both views. Throws Error{kUsage} as
// chip_template().
ModelCard card_for(const BackboneOptions& network);

// The threshold for a FAR target, which has to be one of those that were measured. Throws Error{kUsage}
// listing them, or saying that none were and how to measure them.
const FarThreshold& threshold_at(const ModelCard& card, double far);

// To JSON and back: the network's options, and everything else. parse functions throw Error{kFormat} saying
// what is wrong: no JSON, a wrong type, an unknown option, a value out of its range or not finite.
std::string network_json(const BackboneOptions& network);
std::string card_json(const ModelCard& card);
BackboneOptions parse_network(const std::string& json);
ModelCard parse_card(const BackboneOptions& network, const std::string& json);

// Throws Error{kUsage} naming the first option that is out of its range.
void check_options(const BackboneOptions& options);

const char* colour_name(ColourOrder colour);  // "RGB"
const char* flip_name(FlipRule flip);         // "sum"

}  // namespace aface
