#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace aface {

// An ONNX file as OpenCV's DNN runs it: another reader than ours, to compare with. For one thread at a time.
class OpenCvNetwork {
 public:
  // Throws Error{kIo|kFormat} with the path and OpenCV's reason.
  explicit OpenCvNetwork(const std::string& path);
  ~OpenCvNetwork();

  // chips [count, 3, size, size] to rows [count, dim]. Throws Error{kFormat} when the network gives another
  // shape.
  void run(const float* chips, std::int64_t count, std::int64_t size, float* rows, std::int64_t dim);

 private:
  struct Net;
  const std::string path_;
  std::unique_ptr<Net> net_;
};

}  // namespace aface
