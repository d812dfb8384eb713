// How a service stands many clients: serve_load HOST PORT [--clients N] [--seconds S] [--bad] PHOTO ...
//
// Every client asks one thing after the other on a connection that is kept: /identify and /verify in turn, of
// the photos given. --bad adds one more client that sends broken, huge and slow requests all the while.
// Prints answers by status, requests a second and percentiles of the time to the whole answer; exit code 1 if
// a sound request had another answer than 200. The token is that of ADAPTIVEFACE_TOKEN.
#include <fmt/core.h>
#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "aface/core/file.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string host;
  int port = 0, clients = 8;
  double seconds = 60;
  bool bad = false;
  std::vector<std::string> photos;
};

struct Tally {
  std::mutex mutex;
  std::map<std::string, std::vector<double>> milliseconds;  // by path, of answers with 200
  std::map<std::string, std::map<int, int>> answers;        // by path; 0: none

  void add(const std::string& path, int status, double ms) {
    const std::lock_guard<std::mutex> lock(mutex);
    ++answers[path][status];
    if (status == 200) milliseconds[path].push_back(ms);
  }
};

httplib::Headers token() {
  const char* given = std::getenv("ADAPTIVEFACE_TOKEN");
  return given == nullptr ? httplib::Headers{}
                          : httplib::Headers{{"Authorization", std::string("Bearer ") + given}};
}

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void be_client(const Options& options, int number, Clock::time_point end, Tally& tally) {
  httplib::Client client(options.host, options.port);
  client.set_keep_alive(true);
  client.set_default_headers(token());
  client.set_read_timeout(60, 0);
  for (auto i = static_cast<std::size_t>(number); Clock::now() < end; ++i) {
    const std::string &a = options.photos[i % options.photos.size()],
                      &b = options.photos[(i + 1) % options.photos.size()];
    const bool verifies = i % 2 == 1;
    const std::string path = verifies ? "/verify" : "/identify";
    const auto start = Clock::now();
    const httplib::Result answer =
        verifies ? client.Post(path, httplib::MultipartFormDataItems{{"a", a, "a.jpg", "image/jpeg"},
                                                                     {"b", b, "b.jpg", "image/jpeg"}})
                 : client.Post(path, a, "image/jpeg");
    tally.add(path, answer ? answer->status : 0, ms_since(start));
  }
}

// Each of these must be answered by 4xx, or by the end of the connection.
void be_bad(const Options& options, Clock::time_point end, Tally& tally) {
  std::string huge_png = "\x89PNG\r\n\x1a\n";
  huge_png += std::string("\0\0\0\rIHDR\0\1\x86\xa0\0\1\x86\xa0\x08\2\0\0\0", 21) + std::string(60, 'x');
  for (int i = 0; Clock::now() < end; ++i) {
    httplib::Client client(options.host, options.port);
    client.set_default_headers(token());
    client.set_read_timeout(60, 0);
    const std::string& photo = options.photos[0];
    httplib::Result answer(nullptr, httplib::Error::Unknown);
    switch (i % 5) {
      case 0:
        answer = client.Post("/embed", photo.substr(0, photo.size() / 2), "image/jpeg");
        break;
      case 1:
        answer = client.Post("/embed", huge_png, "image/png");
        break;
      case 2:
        answer = client.Post("/embed", std::string(40 << 20, 'x'), "image/jpeg");
        break;
      case 3:
        answer = client.Post("/verify", "--b\r\nbroken", "multipart/form-data; boundary=b");
        break;
      default:  // a few bytes of a body that never comes
        answer = client.Post(
            "/embed", 100000,
            [](std::size_t offset, std::size_t, httplib::DataSink& sink) {
              std::this_thread::sleep_for(std::chrono::milliseconds(offset < 20 ? 500 : 60000));
              return sink.write("x", 1), offset < 20;
            },
            "image/jpeg");
    }
    tally.add("bad", answer ? answer->status : 0, 0);
  }
}

double percentile(const std::vector<double>& sorted, double share) {
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

int run(const Options& options) {
  Tally tally;
  const auto start = Clock::now();
  const auto end =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  std::vector<std::thread> clients;
  for (int c = 0; c < options.clients; ++c)
    clients.emplace_back([&, c] { be_client(options, c, end, tally); });
  if (options.bad) clients.emplace_back([&] { be_bad(options, end, tally); });
  for (std::thread& client : clients) client.join();
  const double seconds = ms_since(start) / 1000;
  int errors = 0;
  for (const auto& [path, answers] : tally.answers) {
    fmt::print("{}:", path);
    for (const auto& [status, count] : answers) {
      fmt::print(" {} x {}", count, status == 0 ? "no answer" : std::to_string(status));
      if (path != "bad" && status != 200) errors += count;
      if (path == "bad" && status >= 500) errors += count;
    }
    std::vector<double> ms = tally.milliseconds[path];
    if (path != "bad" && !ms.empty()) {
      std::sort(ms.begin(), ms.end());
      fmt::print("; {:.1f} a second; ms p50 {:.1f}, p90 {:.1f}, p99 {:.1f}, most {:.1f}",
                 static_cast<double>(ms.size()) / seconds, percentile(ms, 0.5), percentile(ms, 0.9),
                 percentile(ms, 0.99), ms.back());
    }
    fmt::print("\n");
  }
  fmt::print("{} clients, {:.0f} s, {} errors\n", options.clients, seconds, errors);
  return errors == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a refused upload
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--bad")
      options.bad = true;
    else if (word == "--clients" && i + 1 < argc)
      options.clients = std::atoi(argv[++i]);
    else if (word == "--seconds" && i + 1 < argc)
      options.seconds = std::atof(argv[++i]);
    else if (options.host.empty())
      options.host = word;
    else if (options.port == 0)
      options.port = std::atoi(word.c_str());
    else
      options.photos.push_back(aface::read_text_file(word));
  }
  if (options.photos.empty()) {
    fmt::print(stderr, "usage: serve_load HOST PORT [--clients N] [--seconds S] [--bad] PHOTO ...\n");
    return 2;
  }
  return run(options);
}
