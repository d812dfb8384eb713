#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/core/parallel.h"
#include "aface/core/stop_request.h"
#include "aface/recognise/recogniser.h"
#include "aface/serve/service.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/detect_flags.h"
#include "apps/adaptiveface/gallery_flags.h"
#include "apps/adaptiveface/number_range.h"

namespace aface {
namespace {

constexpr std::size_t kShortestToken = 16;

struct ServeFlags {
  std::string model, gallery, host = "127.0.0.1", token_file;
  int port = 8080;
  std::shared_ptr<DetectFlags> detect;
  std::shared_ptr<ThresholdFlags> threshold;
  std::shared_ptr<GallerySearchFlags> search;
  HttpLimits limits;
  double max_body_mb = 16, max_megapixels = 25, gallery_wait_seconds = 5;
  int works = 0;
  double wait_seconds = 10;
};

// Of a file or the environment, never of the command line, which others can read.
std::string read_token(const ServeFlags& flags) {
  std::string token;
  if (!flags.token_file.empty()) {
    token = read_text_file(flags.token_file);
    struct stat status {};
    if (::stat(flags.token_file.c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
      log_warning("serve", "{}: others may read the token; chmod 600", flags.token_file);
    }
    token.erase(token.find_last_not_of(" \t\r\n") + 1);
  } else if (const char* given = std::getenv("ADAPTIVEFACE_TOKEN")) {
    token = given;
  }
  if (!token.empty() && token.size() < kShortestToken) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("the token has {} characters (expected {} at least); make one with: openssl rand -hex 24",
                    token.size(), kShortestToken));
  }
  return token;
}

void check_reach(const ServeFlags& flags, const std::string& token) {
  if (!token.empty() || is_loopback(flags.host)) return;
  throw Error(ErrorKind::kUsage,
              fmt::format("--host {}: others could reach the service; give a token (--token-file, or "
                          "ADAPTIVEFACE_TOKEN in the environment), or listen on 127.0.0.1",
                          flags.host));
}

PhotoEmbedderOptions served_options(const ServeFlags& flags) {
  PhotoEmbedderOptions options = embedder_options(*flags.detect);
  options.many = ManyFaces::kAll;
  options.max_pixels = static_cast<long>(flags.max_megapixels * 1e6);
  return options;
}

// Looks after the gallery until the server ends.
void keep_up(Service& service) {
  try {
    while (!stop_requested()) {
      try {
        service.keep_up();
      } catch (const Error& error) {
        log_warning("serve", "{}", error.what());
      }
      for (int i = 0; i < 10 && !stop_requested(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  } catch (const Stopped&) {  // in the middle of building an index
  }
}

int run_serve(const ServeFlags& flags) {
  const std::string token = read_token(flags);
  check_reach(flags, token);
  const int cores = hardware_threads();
  const int works = flags.works > 0 ? flags.works : cores;
  const auto recogniser =
      std::make_shared<const Recogniser>(Recogniser::open(flags.model, {std::max(1, cores / works)}));
  ServiceOptions options;
  options.token = token;
  options.threshold = chosen_threshold(*flags.threshold, &recogniser->card());
  options.works = works;
  options.wait_seconds = flags.wait_seconds;
  options.search = search_options(*flags.search, std::max(1, cores / works));
  options.search.index.give_up = [] { throw_if_stopped(); };
  options.gallery.wait_ms = static_cast<int>(flags.gallery_wait_seconds * 1000);
  Service service(make_face_source(recogniser, served_options(flags)), flags.gallery, options);

  HttpServer* opened = nullptr;
  HttpServer::Options http;
  http.limits = flags.limits;
  http.limits.body_bytes = static_cast<std::size_t>(flags.max_body_mb * 1e6);
  http.routes = service.routes([&opened] { return opened->open_connections(); });
  http.gate = [&](const HttpRequest& head) { return service.gate(head); };
  http.answered = [&](const std::string&, const std::string& path, int status) {
    service.answered(path, status);
  };
  HttpServer server(std::move(http));
  opened = &server;
  const int port = server.bind(flags.host, flags.port);
  fmt::print("serving on http://{}:{}/\n", flags.host, port);
  std::fflush(stdout);
  if (!options.threshold)
    log_warning("serve", "no --threshold and no --far: answers have scores but no verdicts");

  std::thread keeper([&] { keep_up(service); });
  std::thread stopper([&] {
    while (!stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    server.stop();
  });
  server.run();
  stopper.join();
  keeper.join();
  log_info("serve", "stopped by signal {}; every request that had begun was answered", stop_signal());
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<ServeFlags>();
  app.add_option("--model", flags->model, "model file (.safetensors)")->required();
  app.add_option("--gallery", flags->gallery,
                 "gallery for /identify and /enrol; made if it is not there; without it both are off");
  flags->detect = add_detect_flags(app);
  flags->threshold = add_threshold_flags(app);
  flags->search = add_gallery_search_flags(app);
  app.add_option("--host", flags->host, "address to listen on; all but the loopback network needs a token")
      ->capture_default_str();
  app.add_option("--port", flags->port, "0: any free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--token-file", flags->token_file,
                 "file with the token that requests must carry; else ADAPTIVEFACE_TOKEN");
  app.add_option("--max-body", flags->max_body_mb, "largest request, in megabytes")
      ->check(number_in(0.001, 1000.0))
      ->capture_default_str();
  app.add_option("--max-megapixels", flags->max_megapixels,
                 "larger photos are refused before they are decoded")
      ->check(number_in(0.01, 100.0))
      ->capture_default_str();
  app.add_option("--connections", flags->limits.connections, "at a time; more are turned away with 503")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--works", flags->works, "photos worked on at a time; 0: one per core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--work-wait", flags->wait_seconds, "seconds that a request waits for its turn before 503")
      ->check(number_in(0.0, 600.0))
      ->capture_default_str();
  app.add_option("--request-seconds", flags->limits.request_seconds,
                 "time for a client to send a request; then 408")
      ->check(number_in(0.1, 3600.0))
      ->capture_default_str();
  app.footer(
      "POST /embed, /verify, /identify, /enrol; GET /health, /metrics (Prometheus), and / with a page that "
      "compares two photos.\n"
      "Photos are the body, or part 'photo' of a form ('a' and 'b' for /verify). Answers are JSON. SIGTERM "
      "and Ctrl-C end it when the\n"
      "requests at hand are answered. Examples:\n"
      "  adaptiveface serve --model model.safetensors --gallery staff.gallery --detector yunet.onnx --far "
      "1e-3\n"
      "  curl -F a=@one.jpg -F b=@two.jpg http://127.0.0.1:8080/verify\n"
      "  curl -F photo=@door.jpg 'http://127.0.0.1:8080/identify?top=3'");
  return [flags] { return run_serve(*flags); };
}

}  // namespace

Command serve_command() {
  return {"serve", "Answer embed, verify, identify and enrol over HTTP, with a small page", set_up};
}

}  // namespace aface
