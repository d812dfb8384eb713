#include "aface/serve/service.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "aface/core/base64.h"
#include "aface/core/error.h"
#include "aface/core/log.h"
#include "aface/core/one_line.h"
#include "aface/core/stopwatch.h"
#include "aface/image/image_file.h"
#include "aface/serve/metrics.h"
#include "aface/serve/page.h"
#include "aface/serve/secret.h"
#include "aface/serve/work_slots.h"

namespace aface {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kChipQuality = 90;

// Why a request is not answered as asked.
struct Refusal {
  int status = 400;
  std::string message;
};

HttpReply json_reply(const Json& json, int status = 200) {
  // What is no UTF-8 is replaced, so that any name can be told.
  return {status,
          "application/json",
          json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n",
          {{"Cache-Control", "no-store"}}};
}

HttpReply error_reply(int status, const std::string& message) {
  return json_reply({{"error", one_line(message, 500)}}, status);
}

// From the address or from the form.
std::string field(const HttpRequest& request, const std::string& name) {
  if (const auto found = request.query.find(name); found != request.query.end()) return found->second;
  const auto part = request.parts.find(name);
  return part == request.parts.end() ? "" : part->second;
}

double number_field(const HttpRequest& request, const std::string& name, double otherwise, double least,
                    double most) {
  const std::string text = field(request, name);
  if (text.empty()) return otherwise;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (*end != '\0' || !(value >= least && value <= most)) {
    throw Refusal{400, fmt::format("{}: '{}' is no number from {} to {}", name, one_line(text), least, most)};
  }
  return value;
}

Span<const unsigned char> photo_bytes(const HttpRequest& request, const std::string& part) {
  const auto found = request.parts.find(part);
  const std::string* bytes = found != request.parts.end()               ? &found->second
                             : request.parts.empty() && part == "photo" ? &request.body
                                                                        : nullptr;
  if (bytes == nullptr || bytes->empty()) {
    throw Refusal{400, fmt::format("no photo; send a JPEG or PNG as part '{}' of a form{}", part,
                                   part == "photo" ? ", or as the body" : "")};
  }
  return {reinterpret_cast<const unsigned char*>(bytes->data()), bytes->size()};
}

std::string host_name(const std::string& host) {
  if (!host.empty() && host[0] == '[') return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool is_loopback_name(const std::string& name) {
  const bool is_number = name.find_first_not_of("0123456789.") == std::string::npos;
  return name.empty() || name == "localhost" || name == "::1" || (is_number && name.rfind("127.", 0) == 0);
}

HttpReply page_reply(const char* text, const std::string& type) {
  return {200,
          type,
          text,
          {{"Cache-Control", "no-store"},
           {"X-Content-Type-Options", "nosniff"},
           {"Referrer-Policy", "no-referrer"},
           {"Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob: data:; connect-src "
            "'self'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"}}};
}

bool is_open_to_all(const std::string& path) {
  return path == "/" || path == "/page.css" || path == "/page.js" || path == "/health";
}

}  // namespace

struct Service::Parts {
  Parts(std::unique_ptr<FaceSource> faces, const std::string& gallery_path, const ServiceOptions& given)
      : options(given), source(std::move(faces)), model(source->model()), slots(options.works) {
    if (gallery_path.empty()) return;
    writer = std::make_unique<Gallery>(Gallery::open_or_create(gallery_path, model, options.gallery));
    index = std::make_unique<GalleryIndex>(gallery_path, options.search, options.gallery);
  }

  std::vector<EmbeddedFace> faces(Span<const unsigned char> photo, const std::string& part) {
    Result<std::vector<EmbeddedFace>> found = source->faces(photo);
    if (!found.ok()) {
      const ErrorKind kind = found.error().kind();
      if (kind != ErrorKind::kFormat && kind != ErrorKind::kData) throw found.error();
      throw Refusal{kind == ErrorKind::kFormat ? 400 : 422, part + ": " + found.error().what()};
    }
    metrics.add_faces(static_cast<std::int64_t>(found.value().size()));
    return std::move(found).value();
  }

  std::optional<double> threshold(const HttpRequest& request) const {
    if (field(request, "threshold").empty()) return options.threshold;
    return number_field(request, "threshold", 0, -1, 1);
  }

  static Json face_json(const EmbeddedFace& face, const HttpRequest& request) {
    Json json = Json::object();
    if (face.face) {
      json["box"] = {{"x", face.face->box.x},
                     {"y", face.face->box.y},
                     {"width", face.face->box.width},
                     {"height", face.face->box.height}};
      json["score"] = face.face->score;
    }
    if (field(request, "chips") == "1")
      json["chip"] = "data:image/jpeg;base64," + base64(encode_jpeg(face.chip, kChipQuality));
    return json;
  }

  void need_gallery() const {
    if (index == nullptr) throw Refusal{404, "this service has no gallery"};
  }

  HttpReply embed(const HttpRequest& request) {
    Json list = Json::array();
    for (const EmbeddedFace& face : faces(photo_bytes(request, "photo"), "photo")) {
      list.push_back(face_json(face, request));
      list.back()["embedding"] = face.embedding;
    }
    return json_reply({{"model", model.digest}, {"faces", list}});
  }

  HttpReply verify(const HttpRequest& request) {
    const Span<const unsigned char> a = photo_bytes(request, "a"), b = photo_bytes(request, "b");
    const std::optional<double> wanted = threshold(request);
    const std::vector<EmbeddedFace> first = faces(a, "a"), second = faces(b, "b");
    double score = 0;
    for (std::size_t i = 0; i < model.dim; ++i)
      score += double(first[0].embedding[i]) * double(second[0].embedding[i]);
    Json json = {{"model", model.digest},
                 {"score", score},
                 {"threshold", wanted ? Json(*wanted) : Json(nullptr)},
                 {"same", wanted ? Json(score >= *wanted) : Json(nullptr)}};
    json["a"] = face_json(first[0], request);
    json["a"]["faces"] = first.size();
    json["b"] = face_json(second[0], request);
    json["b"]["faces"] = second.size();
    return json_reply(json);
  }

  HttpReply identify(const HttpRequest& request) {
    need_gallery();
    const auto top = static_cast<std::size_t>(number_field(request, "top", 1, 1, 1000));
    const std::optional<double> wanted = threshold(request);
    const std::vector<EmbeddedFace> found = faces(photo_bytes(request, "photo"), "photo");
    std::vector<float> rows;
    for (const EmbeddedFace& face : found)
      rows.insert(rows.end(), face.embedding.begin(), face.embedding.end());
    const RowMatrix probes{rows.data(), found.size(), model.dim};
    index->follow();
    const auto answers = index->search(probes, top);
    const bool is_approximate = index->is_approximate();
    Json json = {{"model", model.digest},
                 {"threshold", wanted ? Json(*wanted) : Json(nullptr)},
                 {"method", is_approximate ? "approximate" : "exact"}};
    if (field(request, "recall") == "1")
      json["recall"] = recall_of(answers, index->search(probes, top, SearchMethod::kExact)).all;
    json["faces"] = Json::array();
    for (std::size_t i = 0; i < found.size(); ++i) {
      Json face = face_json(found[i], request);
      face["people"] = Json::array();
      for (const IdentityMatch& match : answers[i])
        face["people"].push_back({{"person", match.name}, {"score", match.score}});
      if (wanted)
        face["verdict"] = !answers[i].empty() && answers[i][0].score >= *wanted ? "match" : "unknown";
      json["faces"].push_back(std::move(face));
    }
    return json_reply(json);
  }

  HttpReply enrol(const HttpRequest& request) {
    need_gallery();
    const std::string person = field(request, "person");
    if (!can_be_identity(person))
      throw Refusal{400, "person: expected a name of 1 to 200 bytes without control characters"};
    const Span<const unsigned char> photo = photo_bytes(request, "photo");
    const std::vector<EmbeddedFace> found = faces(photo, "photo");
    if (found.size() > 1)
      throw Refusal{422, fmt::format("photo: {} faces; enrol a photo of one person", found.size())};
    const Enrolment enrolment{person, one_line(field(request, "source"), 200),
                              sha256(photo.data(), photo.size()), found[0].embedding};
    EnrolReport report;
    try {
      const std::lock_guard<std::mutex> lock(writer_mutex);
      report = writer->enrol({&enrolment, 1});
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kData) throw Refusal{409, error.what()};
      throw;
    }
    index->follow();
    return json_reply({{"person", person}, {"added", report.added}, {"known", report.known}},
                      report.added > 0 ? 201 : 200);
  }

  HttpReply health(const HttpRequest& request) const {
    Json json = {{"status", "ok"}};
    if (options.token.empty() || has_token(request)) {
      json["model"] = model.digest;
      json["dim"] = model.dim;
      if (index != nullptr) {
        const GalleryCounts counts = index->counts();
        json["gallery"] = {{"people", counts.identities}, {"photos", counts.photos}};
      }
    }
    return json_reply(json);
  }

  bool has_token(const HttpRequest& request) const {
    const std::string given = request.header("authorization"), scheme = "Bearer ";
    return given.rfind(scheme, 0) == 0 && is_secret(given.substr(scheme.size()), options.token);
  }

  // One of those that work on photos: waits for its turn, is timed, and tells in its answer what was wrong.
  HttpServer::Handler work(const std::string& endpoint, HttpReply (Parts::*action)(const HttpRequest&)) {
    return [this, endpoint, action](const HttpRequest& request) {
      const WorkSlots::Slot slot = slots.take(options.wait_seconds);
      if (!slot) return error_reply(503, "too much to do; try again");
      Stopwatch watch;
      HttpReply reply;
      try {
        reply = (this->*action)(request);
      } catch (const Refusal& refusal) {
        reply = error_reply(refusal.status, refusal.message);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kIo) throw;
        log_warning("serve", "{}: {}", endpoint, error.what());
        reply = error_reply(503, "the gallery cannot be used at the moment; the server's log says more");
      }
      metrics.time(endpoint, watch.lap());
      return reply;
    };
  }

  const ServiceOptions options;
  const std::unique_ptr<FaceSource> source;
  const GalleryModel model;
  std::mutex writer_mutex;
  std::unique_ptr<Gallery> writer;
  std::unique_ptr<GalleryIndex> index;
  WorkSlots slots;
  Metrics metrics;
  std::vector<std::string> endpoints;
};

Service::Service(std::unique_ptr<FaceSource> source, const std::string& gallery_path,
                 const ServiceOptions& options)
    : parts_(std::make_unique<Parts>(std::move(source), gallery_path, options)) {}
Service::~Service() = default;

std::vector<HttpServer::Route> Service::routes(std::function<int()> open_connections) {
  Parts* parts = parts_.get();
  const auto metrics = [parts, open_connections](const HttpRequest&) {
    std::map<std::string, double> gauges = {{"aface_open_connections", open_connections()}};
    if (parts->index != nullptr) {
      const GalleryCounts counts = parts->index->counts();
      gauges["aface_gallery_people"] = static_cast<double>(counts.identities);
      gauges["aface_gallery_photos"] = static_cast<double>(counts.photos);
      const std::optional<Approximation> about = parts->index->approximation();
      gauges["aface_gallery_is_approximate"] = about && about->is_used ? 1 : 0;
      if (about && about->recall) gauges["aface_gallery_recall"] = *about->recall;
    }
    return HttpReply{200, "text/plain; version=0.0.4", parts->metrics.text(gauges), {}};
  };
  std::vector<HttpServer::Route> routes = {
      {"POST", "/embed", parts->work("/embed", &Parts::embed)},
      {"POST", "/verify", parts->work("/verify", &Parts::verify)},
      {"POST", "/identify", parts->work("/identify", &Parts::identify)},
      {"POST", "/enrol", parts->work("/enrol", &Parts::enrol)},
      {"GET", "/health", [parts](const HttpRequest& request) { return parts->health(request); }},
      {"GET", "/metrics", metrics},
      {"GET", "/", [](const HttpRequest&) { return page_reply(page_html(), "text/html; charset=utf-8"); }},
      {"GET", "/page.css",
       [](const HttpRequest&) { return page_reply(page_css(), "text/css; charset=utf-8"); }},
      {"GET", "/page.js",
       [](const HttpRequest&) { return page_reply(page_js(), "text/javascript; charset=utf-8"); }},
  };
  for (const HttpServer::Route& route : routes) parts->endpoints.push_back(route.path);
  return routes;
}

HttpReply Service::gate(const HttpRequest& head) const {
  const std::string& token = parts_->options.token;
  const std::string origin = head.header("origin"), host = head.header("host");
  if (!origin.empty() && origin != "http://" + host && origin != "https://" + host) {
    return error_reply(403, "pages of other origins may not ask here");
  }
  if (token.empty() && !is_loopback_name(host_name(host))) {
    return error_reply(403, "asked under a name that is not of this machine");
  }
  if (!token.empty() && !is_open_to_all(head.path) && !parts_->has_token(head)) {
    HttpReply reply = error_reply(401, "the token is missing or wrong; send 'Authorization: Bearer TOKEN'");
    reply.headers.emplace_back("WWW-Authenticate", "Bearer");
    return reply;
  }
  return {};
}

void Service::answered(const std::string& path, int status) {
  const auto& known = parts_->endpoints;
  parts_->metrics.count(std::find(known.begin(), known.end(), path) != known.end() ? path : "other", status);
}

void Service::keep_up() {
  if (parts_->index == nullptr) return;
  parts_->index->follow();
  if (!parts_->index->prepare()) return;
  const Approximation about = parts_->index->approximation().value();
  log_line(about.is_used ? LogLevel::kInfo : LogLevel::kWarning, "serve", describe(about));
}

}  // namespace aface
