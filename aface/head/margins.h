#pragma once

namespace aface {

// What a margin makes of the cosine between an embedding and its own prototype. Only this one cosine of a sample is
// ever changed; those to other identities stay plain.
struct MarginedCosine {
  double value = 0;     // takes the place of the own cosine
  double d_cosine = 0;  // d value / d cosine
  double d_margin = 0;  // d value / d margin
};

// Each function below takes any cosine (outside [-1, 1] it is clamped), never rises with the margin nor falls with
// the cosine, and is finite everywhere. Derivatives by the cosine divide by sin(theta), which is 0 at cosine +-1:
// they are taken at theta moved into [angle_floor, pi - angle_floor]. The gradient that reaches an embedding is this
// derivative times sin(theta), so at the ends its true length is bounded but its direction undefined; with the floor
// it falls to 0 there.
using MarginFunction = MarginedCosine (*)(double cosine, double margin, double angle_floor);

// The smallest angle that a cosine of rounding `epsilon` can tell from 0: cos(angle) = 1 - epsilon.
double angle_floor_for(double epsilon);

// cos(theta) - m (CosFace, AM-Softmax, AdaM). With m = 0 it is the plain normalised softmax.
MarginedCosine cosine_margin(double cosine, double margin, double angle_floor);

// cos(theta + m) (ArcFace), m in [0, pi] radians. For theta + m > pi, where the cosine would rise again:
// cos(theta) - 1 + cos(m), which has slope 1 in the cosine and meets cos(pi) = -1 at theta = pi - m. The ArcFace
// authors' code continues with cos(theta) - m sin(m) there (insightface, `easy_margin = False`): the same slope, but
// a jump at the joint that no finite-difference check can pass; angles that large belong to mislabelled samples.
MarginedCosine angular_margin(double cosine, double margin, double angle_floor);

// psi(theta) = (-1)^k cos(m theta) - 2k for m theta in [k pi, (k + 1) pi] (SphereFace), any real m >= 1; m = 1 is no
// margin. At theta = 0 the derivative by the cosine is m^2.
MarginedCosine multiplied_angle(double cosine, double margin, double angle_floor);

}  // namespace aface
