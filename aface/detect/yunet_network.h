#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aface/detect/face.h"
#include "aface/image/image.h"

namespace aface {

// One YuNet network, for one thread at a time.
class YunetNetwork {
 public:
  // `onnx` holds the file `path`. Throws Error{kFormat} when OpenCV cannot read it, or when what it puts out
  // has neither layout of detect/yunet_outputs.h.
  YunetNetwork(const std::vector<unsigned char>& onnx, std::string path);
  ~YunetNetwork();

  // Candidates with at least `least_score` (> 0) for an RGB picture of any size but empty, in its pixels; the
  // picture is filled up with black to multiples of 32 pixels. Throws Error{kFormat} when the network cannot
  // be run.
  std::vector<Face> run(const Image& picture, double least_score);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace aface
