//! The properties of a season.

/// Tenant, property, name, time zone, currency, units with capacities.
pub type Plan = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static [(&'static str, u16)]);

/// All that a season is made of.
pub const PLANS: [Plan; 6] = [
    ("seaside", "villa-rosa", "Villa Rosa", "Europe/Lisbon", "EUR", &[("garden", 1), ("terrace", 1), ("tower", 1)]),
    (
        "seaside",
        "harbour-flats",
        "Apartamentos do Cais",
        "Europe/Lisbon",
        "EUR",
        &[
            ("flat-1", 1),
            ("flat-2", 1),
            ("flat-3", 1),
            ("flat-4", 1),
            ("flat-5", 1),
            ("flat-6", 1),
            ("flat-7", 1),
            ("flat-8", 1),
        ],
    ),
    ("seaside", "grand-hotel", "Grand Hotel", "Europe/Lisbon", "EUR", &[("single", 6), ("double", 12), ("suite", 3)]),
    (
        "summit",
        "pine-lodge",
        "Pine Lodge",
        "America/Denver",
        "USD",
        &[("cabin-a", 1), ("cabin-b", 1), ("cabin-c", 1), ("cabin-d", 1), ("cabin-e", 1)],
    ),
    ("summit", "ridge-inn", "Ridge Inn", "America/Denver", "USD", &[("queen", 8), ("family", 4)]),
    ("summit", "lake-house", "Lake House", "America/Denver", "USD", &[("house", 1), ("boat-studio", 1)]),
];

/// This property's bookings come before it is registered.
pub const LATE: &str = "lake-house";
/// How long a season lasts.
pub const SEASON_DAYS: i32 = 62;
/// Where bookings come from.
pub const CHANNELS: [&str; 4] = ["booking-com", "airbnb", "direct", "expedia"];
/// Who comes.
pub const GUESTS: [&str; 8] =
    ["Ana Sousa", "Jürgen Weiß", "Zoë Martin", "李小龙", "Olu Adeyemi", "María Núñez", "Sam Lee", "Ewa Żak"];

/// How many units there are to sell.
pub fn capacity(plan: &Plan) -> usize {
    plan.5.iter().map(|(_, capacity)| usize::from(*capacity)).sum()
}
