#pragma once
/// What the texts among the settings mean, checked as a whole before anything starts: a mistake in a setting
/// is refused in every role, also where the setting has no effect.

#include "apps/roles/serve_role.hpp"
#include "apps/settings/settings.hpp"
#include "services/user/sign_up.hpp"

namespace market::apps {

/// `config`: the settings file, or empty. Throws UsageError that names the setting. The process that is all
/// refuses also what it cannot honour: whoever sets it believes that it protects something.
void check_settings(const Settings& settings, const std::string& config,
                    ServeRole role = ServeRole::services);

/// Services that stand apart share what they would have in one process. Throws UsageError: they could not.
void expect_shared(const Settings& settings, const Services& services);

/// What these services would read or make at their start: files, folders, Kafka's client. Throws UsageError.
void expect_files(const Settings& settings, const Services& services);

/// Throws UsageError.
user::EmailVerification email_verification_of(const Settings& settings);

/// The settings that were given and do nothing in this role, in the order of known_settings().
std::vector<std::string_view> settings_without_effect(const Settings& settings, ServeRole role);

}  // namespace market::apps
