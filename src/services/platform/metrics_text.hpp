#pragma once
/// The Prometheus text of /metrics (exposition format 0.0.4), built when it is asked for.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace market::platform {

class MetricsText {
 public:
  /// Starts a family; samples follow. `kind`: counter or gauge.
  MetricsText& family(std::string_view name, std::string_view kind, std::string_view help);
  MetricsText& sample(double value, std::string_view labels = {});
  MetricsText& sample(std::uint64_t value, std::string_view labels = {});
  /// One line of a histogram's family. `counts`: how many were at most each of `ends`, and all of them.
  MetricsText& histogram(const std::vector<double>& ends, const std::vector<std::uint64_t>& counts,
                         double sum, std::string_view labels);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string name_;
};

/// `name="value"` with the value escaped.
std::string label(std::string_view name, std::string_view value);

/// Resident memory, open files, CPU seconds and start time of this process, as Prometheus clients name them;
/// and what it was built from.
void add_process_metrics(MetricsText& metrics);

}  // namespace market::platform
