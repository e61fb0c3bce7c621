#pragma once
/// Eureka's JSON: strict in what is written, tolerant in what is read (numbers as texts, texts as numbers,
/// nulls, a bare object where an array belongs; unknown members are dropped).

#include <vector>

#include "base/result.hpp"
#include "domain/registry/registered_instance.hpp"

namespace market::wire::eureka {

using registry::Instance;

/// Which members an answer has: `X-Eureka-Accept`.
enum class Detail : std::uint8_t { full, compact };

void append_json(std::string& out, const Instance& instance, Detail detail);

/// Builds `{"applications":{…}}`; the instances must come grouped by application.
class JsonApplications {
 public:
  explicit JsonApplications(Detail detail) : detail_(detail) {}
  void add(const Instance& instance);
  std::string finish(std::string_view version, std::string_view hash);

 private:
  Detail detail_;
  std::string text_ = R"({"applications":{"application":[)";
  std::string app_;
};
/// `{"application":{"name":…,"instance":[…]}}`
std::string json_application(std::string_view name, const std::vector<Instance>& instances, Detail detail);
/// `{"instance":{…}}`
std::string json_instance(const Instance& instance, Detail detail);

/// `{"instance":{…}}`: a registration, or with `version` a change of our push stream.
/// Errors: invalid_json, validation, payload_too_large.
Result<Instance> parse_json_instance(std::string_view text);

/// What a server answered to a fetch.
struct Applications {
  std::string version, hash;
  std::vector<Instance> instances;
};
/// Errors: invalid_json, validation. Single instances that cannot be read are left out.
Result<Applications> parse_json_applications(std::string_view text);

/// One item of a batch between registries.
struct Replicated {
  enum class What : std::uint8_t { enroll, heartbeat, cancel, status_update, delete_override };
  What what = What::heartbeat;
  std::string app, id;
  std::optional<std::int64_t> dirty_ms;
  std::optional<registry::Status> status, overridden;
  std::optional<Instance> instance;
};
std::string json_batch(const std::vector<Replicated>& items);
/// Errors: invalid_json, validation.
Result<std::vector<Replicated>> parse_json_batch(std::string_view text);

struct ReplicationAnswer {
  int status = 0;
  std::optional<Instance> instance;  ///< With 409: the newer one.
};
std::string json_batch_answer(const std::vector<ReplicationAnswer>& answers);
Result<std::vector<ReplicationAnswer>> parse_json_batch_answer(std::string_view text);

/// What every registration must have, whatever its format. Errors: validation, payload_too_large.
Result<> check_registration(const Instance& instance, bool has_data_center);

}  // namespace market::wire::eureka
