#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "aface/detect/yunet_outputs.h"
#include "tests/detect/made_onnx.h"

namespace aface::test {

// An ONNX file of the newer layout that finds these faces in every picture that fills up to width x height
// (both multiples of 32), whatever it shows but for its mean blue: scores are multiplied by mean blue / 255.
inline std::string network_with_faces(const std::vector<Face>& faces, int width, int height) {
  std::vector<MadeOutput> outputs;
  for (const int stride : kYunetStrides) {
    const int columns = width / stride;
    const auto squares = static_cast<std::size_t>(columns * (height / stride));
    const std::string end = "_" + std::to_string(stride);
    MadeOutput cls{"cls" + end, 1, std::vector<float>(squares), std::vector<float>(squares)};
    MadeOutput obj{"obj" + end, 1, std::vector<float>(squares), std::vector<float>(squares)};
    MadeOutput box{"bbox" + end, 4, std::vector<float>(4 * squares), {}};
    MadeOutput kps{"kps" + end, 10, std::vector<float>(10 * squares), {}};
    for (std::size_t i = 0; stride == kYunetStrides[0] && i < faces.size(); ++i) {  // face i in square i
      const Face& face = faces[i];
      const double column = static_cast<double>(i % static_cast<std::size_t>(columns));
      const double row = static_cast<double>(i / static_cast<std::size_t>(columns));
      cls.weight[i] = obj.weight[i] = static_cast<float>(face.score / 255);
      box.bias[4 * i] = static_cast<float>((face.box.x + face.box.width / 2) / stride - column);
      box.bias[4 * i + 1] = static_cast<float>((face.box.y + face.box.height / 2) / stride - row);
      box.bias[4 * i + 2] = static_cast<float>(std::log(face.box.width / stride));
      box.bias[4 * i + 3] = static_cast<float>(std::log(face.box.height / stride));
      for (std::size_t k = 0; k < face.landmarks.size(); ++k) {
        kps.bias[10 * i + 2 * k] = static_cast<float>(face.landmarks[k].x / stride - column);
        kps.bias[10 * i + 2 * k + 1] = static_cast<float>(face.landmarks[k].y / stride - row);
      }
    }
    for (auto* output : {&cls, &obj, &box, &kps}) outputs.push_back(std::move(*output));
  }
  return made_onnx(outputs);
}

}  // namespace aface::test
