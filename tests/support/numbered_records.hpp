#pragma once
/// Records that carry their own offset, so that a test sees at once which are missing, doubled or moved.

#include <string>
#include <vector>

#include "ports/log.hpp"

namespace market::tests {

inline std::string numbered_record(Offset offset, std::size_t bytes = 40) {
  std::string record = "record " + std::to_string(offset) + " ";
  if (record.size() < bytes) record.append(bytes - record.size(), '\0');
  return record;
}

/// Appends `count` of them; false when one was refused.
inline bool append_numbered(Log& log, int count, std::size_t bytes = 40) {
  for (int i = 0; i < count; ++i) {
    const auto next = log.end();
    if (!next || log.append(numbered_record(*next, bytes)) != *next) return false;
  }
  return true;
}

/// The offsets from `from`; each record must carry its own, else -1 stands in its place. -2: it cannot be
/// read.
inline std::vector<Offset> offsets_from(Log& log, Offset from) {
  std::vector<Offset> found;
  const auto read = log.read(from, [&](Offset offset, std::string_view record) {
    found.push_back(record == numbered_record(offset, record.size()) ? offset : -1);
    return true;
  });
  if (!read) found.push_back(-2);
  return found;
}

}  // namespace market::tests
