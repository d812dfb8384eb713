#pragma once

#include "aface/synth/head_surface.h"

namespace aface::synth {

// What the skin looks like at one place, before light.
struct Material {
  Rgb albedo;
  float gloss = 0.1f;
};

inline void lay_over(Material& below, Rgb colour, float alpha) {
  below.albedo = mix(below.albedo, colour, alpha);
}

// Everything drawn on the face, as functions of the place (u, v) on it. `soft` is half the width of an edge
// in face pixels, so that edges are about one picture pixel wide. Each function returns at once where it
// draws nothing.
struct FacePaint {
  const FaceIdentity& face;
  const Expression& expression;
  float chin;
  float soft;

  Material at(float u, float v) const;

  void paint_skin(Material& m, float u, float v) const;  // tone, blush, freckles, marks, wrinkles
  void paint_beard(Material& m, float u, float v) const;
  void paint_nose(Material& m, float u, float v) const;
  void paint_mouth(Material& m, float u, float v) const;
  void paint_eye(Material& m, float u, float v) const;  // the eye on this side
  void paint_brow(Material& m, float u, float v) const;
};

}  // namespace aface::synth
