#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aface/gallery/gallery_index.h"
#include "aface/model/model_card.h"
#include "aface/serve/face_source.h"
#include "aface/serve/http_server.h"

namespace aface {

struct ServiceOptions {
  std::string token;                // asked of every request but the page and /health; empty: nobody is asked
  std::optional<double> threshold;  // of verdicts, where a request gives none
  int works = 2;                    // photos that are worked on at a time
  double wait_seconds = 10;         // for one's turn; then 503
  GallerySearchOptions search;
  GalleryOptions gallery;
};

// What is served: faces of photos, whether two show one person, and a gallery that is asked and added to. The
// answers are JSON, errors {"error": "..."}. Embeddings leave by /embed only, and are never logged.
class Service {
 public:
  // `gallery_path` empty: no gallery. It is made if it is not there. Throws Error{kData} when it belongs to
  // another model.
  Service(std::unique_ptr<FaceSource> source, const std::string& gallery_path, const ServiceOptions& options);
  ~Service();

  // What an HttpServer asks. `open_connections` is for /metrics.
  std::vector<HttpServer::Route> routes(std::function<int()> open_connections);
  // Refuses requests without the token, from pages of other origins, and, where there is no token, for names
  // that are not those of the loopback network (a page of another origin could have given us a name of its
  // own).
  HttpReply gate(const HttpRequest& head) const;
  void answered(const std::string& path, int status);
  // Takes over what others wrote into the gallery, and builds the approximate index when it is time; to be
  // called now and then.
  void keep_up();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace aface
