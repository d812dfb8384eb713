#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace aface {

struct HttpLimits {
  std::size_t body_bytes = 16 << 20;  // larger requests are answered with 413
  double request_seconds = 20;        // from the first byte of a request to its last; then 408
  double reply_seconds = 20;          // for a client to take an answer
  double idle_seconds = 5;            // an open connection without a request
  int connections = 64;               // at a time; more are answered with 503
};

struct HttpRequest {
  std::string method;
  std::string path;  // without the query
  std::string body;
  std::map<std::string, std::string> query;    // decoded; the first of equal names
  std::map<std::string, std::string> parts;    // of a multipart/form-data body: name -> content
  std::map<std::string, std::string> headers;  // names in lower case

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct HttpReply {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// HTTP/1.1 for a few clients that are not trusted: every size and every wait is bounded. Bodies need a
// Content-Length and no encoding (411, 415), as only then their size is known before they are read.
class HttpServer {
 public:
  using Handler = std::function<HttpReply(const HttpRequest& request)>;
  struct Route {
    std::string method;  // GET or POST
    std::string path;    // letters, digits, '/', '.', '_' and '-'
    Handler handler;     // called by several threads at a time; what it throws is answered with 500
  };

  struct Options {
    HttpLimits limits;
    std::vector<Route> routes;
    // Asked when the head of a request is there and before its body is read: an answer other than 200 refuses
    // it.
    std::function<HttpReply(const HttpRequest& head)> gate;
    // Told of every request that was answered, by whomever.
    std::function<void(const std::string& method, const std::string& path, int status)> answered;
  };

  explicit HttpServer(Options options);
  ~HttpServer();

  // Takes the port (0: any free one) and returns it. Throws Error{kIo}.
  int bind(const std::string& host, int port);
  // Serves until stop(), then finishes the requests at hand.
  void run();
  void stop();
  int open_connections() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// Whether every address of this name is of the loopback network. Throws Error{kUsage} for a name that has
// none.
bool is_loopback(const std::string& host);

}  // namespace aface
