#include "aface/detect/left_out.h"

#include "aface/core/file_writer.h"
#include "aface/core/one_line.h"

namespace aface {

std::string reason_of(const Error& error, const std::string& place) {
  const std::string message = error.what();
  const std::string head = place + ": ";
  const std::string reason =
      message.compare(0, head.size(), head) == 0 ? message.substr(head.size()) : message;
  return one_line(reason, reason.size());
}

void write_left_out(const std::string& path, const std::vector<LeftOutPhoto>& photos) {
  FileWriter table(path);
  table.write("photo\treason\n");
  for (const LeftOutPhoto& photo : photos) table.write(photo.name + "\t" + photo.reason + "\n");
  table.commit();
}

}  // namespace aface
