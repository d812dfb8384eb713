#pragma once

#include <cstdint>

#include "aface/core/field.h"

namespace aface {

// [synth]: built-in faces whose truth is known. Same options, same bytes.
struct SynthOptions {
  std::int64_t identities = 200;         // people in the training set
  std::int64_t images = 4000;            // photos in the training set, shared out by the Zipf law
  double zipf_exponent = 1.0;            // class sizes fall as rank^-exponent; 0 gives equal sizes
  std::int64_t min_images = 2;           // photos of the poorest identity
  double hardness = 0.5;                 // 0: passport photos; 1: strong pose, light, occlusion, blur
  double label_noise = 0.0;              // share of training photos whose label is flipped
  std::int64_t heldout_identities = 60;  // people only in the verification set; 0: no verification set
  std::int64_t heldout_images = 10;      // photos of each of them
  std::int64_t pairs = 1200;             // verification pairs, half same, half different, in 10 folds
  std::int64_t size = 112;               // side of the chips in pixels
  std::int64_t seed = 1;
};

template <class Visitor>
void describe(Visitor& v, SynthOptions& o) {
  v.field("identities", o.identities, doc("people in the training set").at_least(2));
  v.field("images", o.images, doc("photos in the training set, shared out by the Zipf law").at_least(2));
  v.field("zipf_exponent", o.zipf_exponent, doc("class sizes fall as rank^-exponent; 0: equal").range(0, 4));
  v.field("min_images", o.min_images, doc("photos of the poorest identity").at_least(1));
  v.field("hardness", o.hardness,
          doc("0: passport photos; 1: strong pose, light, occlusion, blur").range(0, 1));
  v.field("label_noise", o.label_noise, doc("share of training photos whose label is flipped").range(0, 0.9));
  v.field("heldout_identities", o.heldout_identities,
          doc("people only in the verification set; 0: no verification set").at_least(0));
  v.field("heldout_images", o.heldout_images, doc("photos of each of them").at_least(2));
  v.field("pairs", o.pairs, doc("verification pairs, half same, half different, 10 folds").at_least(20));
  v.field("size", o.size, doc("side of the chips in pixels").range(16, 1024));
  v.field("seed", o.seed, doc("same seed, same bytes").at_least(0));
}

}  // namespace aface
