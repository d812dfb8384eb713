#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "aface/core/log.h"
#include "aface/serve/http_server.h"
#include "aface/serve/service.h"
#include "fuzz/fuzz.h"

namespace aface {
namespace {

constexpr std::size_t kDim = 4;

// A face for each line of the "photo", whose embedding depends on the line's first bytes.
class LinesAsFaces : public FaceSource {
 public:
  GalleryModel model() const override { return {"fuzz", kDim}; }
  Result<std::vector<EmbeddedFace>> faces(Span<const unsigned char> photo) const override {
    if (photo.empty() || photo[0] == '?') return Error(ErrorKind::kFormat, "no photo");
    if (photo[0] == '0') return Error(ErrorKind::kData, "no face");
    std::vector<EmbeddedFace> found(1);
    for (std::size_t at = 0; at < photo.size() && found.size() < 8; ++at) {
      if (photo[at] == '\n') found.emplace_back();
    }
    for (std::size_t i = 0; i < found.size(); ++i) {
      double squares = 1;
      for (std::size_t k = 1; k < kDim; ++k) {
        found[i].embedding.push_back(static_cast<float>(photo[(i + k) % photo.size()]) / 64);
        squares += found[i].embedding.back() * found[i].embedding.back();
      }
      found[i].embedding.push_back(1);
      for (float& value : found[i].embedding) value = static_cast<float>(value / std::sqrt(squares));
      found[i].face = Face{{1, 2, 3, 4}, {}, 0.9};
      found[i].chip = Image(8, 8);
    }
    return found;
  }
};

// One service for all inputs, as in use. Its gallery is a file of a temporary folder.
class Served {
 public:
  Served() {
    set_log_level(LogLevel::kError);
    std::string folder = (std::filesystem::temp_directory_path() / "aface-fuzz-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) std::abort();
    ServiceOptions options;
    options.threshold = 0.5;
    service_ = std::make_unique<Service>(std::make_unique<LinesAsFaces>(), folder + "/g", options);
    HttpServer::Options http;
    http.limits.body_bytes = 4096;
    http.routes = service_->routes([] { return 1; });
    http.gate = [this](const HttpRequest& head) { return service_->gate(head); };
    http.answered = [this](const std::string&, const std::string& path, int status) {
      if (status < 200 || status >= 600 || status == 500) std::abort();  // 500: our own broken promise
      service_->answered(path, status);
    };
    server_ = std::make_unique<HttpServer>(std::move(http));
    port_ = server_->bind("127.0.0.1", 0);
    std::thread([this] { server_->run(); }).detach();
  }

  // What comes back for these bytes, after which the client sends nothing more.
  std::string ask(const std::uint8_t* data, std::size_t size) const {
    const int client = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    for (std::size_t at = 0; at < size;) {
      const ssize_t put = ::send(client, data + at, size - at, MSG_NOSIGNAL);
      if (put <= 0) break;  // refused before all was read
      at += static_cast<std::size_t>(put);
    }
    ::shutdown(client, SHUT_WR);
    std::string reply;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::recv(client, buffer, sizeof buffer, 0)) > 0;)
      reply.append(buffer, static_cast<std::size_t>(got));
    ::close(client);
    return reply;
  }

 private:
  std::unique_ptr<Service> service_;
  std::unique_ptr<HttpServer> server_;
  int port_ = 0;
};

}  // namespace
}  // namespace aface

// What a client sends, over a connection to a whole service: heads, forms, fields, pipelined requests.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto* const served = new aface::Served;  // lives as long as the process
  const std::string reply = served->ask(data, size);
  if (!reply.empty() && reply.rfind("HTTP/1.1 ", 0) != 0) std::abort();
  return 0;
}
