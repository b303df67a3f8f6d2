//! The shop's shelf: some 200 products from a small table, and what people search for.
//! Not a stock: nothing runs out. Invariant: product numbers, names and prices never change.

/// A kind of product: category, noun, price in cents of its cheapest variant.
struct Kind(&'static str, &'static str, u64);

const KINDS: &[Kind] = &[
    Kind("Chaussures", "Sneakers", 5900),
    Kind("Chaussures", "Bottines cuir", 8900),
    Kind("Chaussures", "Running Shoes", 7900),
    Kind("Mode", "T-shirt coton bio", 1900),
    Kind("Mode", "Jean slim", 4900),
    Kind("Mode", "Robe d'été", 5500),
    Kind("Mode", "Pull mérinos", 6900),
    Kind("Mode", "Veste imperméable", 11900),
    Kind("Bagages", "Sac à dos", 4500),
    Kind("Bagages", "Valise cabine", 9900),
    Kind("Électronique", "Casque sans fil", 12900),
    Kind("Électronique", "Montre connectée", 17900),
    Kind("Électronique", "Tablette 11\"", 32900),
    Kind("Électronique", "Ordinateur portable 14\"", 79900),
    Kind("Électronique", "Enceinte Bluetooth", 4900),
    Kind("Maison", "Lampe de bureau", 3400),
    Kind("Maison", "Parure de lit", 5900),
    Kind("Maison", "Machine à café", 14900),
    Kind("Maison", "Robot de cuisine", 24900),
    Kind("Cuisine", "Poêle 28 cm", 2900),
    Kind("Cuisine", "Couteau de chef", 3900),
    Kind("Beauté", "Crème hydratante", 1490),
    Kind("Beauté", "Parfum 50 ml", 5900),
    Kind("Sport", "Tapis de yoga", 2500),
    Kind("Sport", "Vélo de ville", 39900),
];

const VARIANTS: &[(&str, u64)] = &[
    ("Azur", 100),
    ("Brume", 104),
    ("Cèdre", 112),
    ("Dune", 119),
    ("Écume", 125),
    ("Falaise", 138),
    ("Granit", 150),
    ("Horizon", 180),
];

/// How many products there are.
pub(crate) const PRODUCTS: u64 = (KINDS.len() * VARIANTS.len()) as u64;

/// What people type into the search box.
pub(crate) const SEARCHES: &[&str] = &[
    "sneakers blanches",
    "robe été",
    "casque sans fil",
    "valise cabine",
    "sac à dos ordinateur",
    "vélo ville femme",
    "running shoes men",
    "machine à café automatique",
    "regenjacke herren",
    "kopfhörer kabellos",
    "zapatillas negras",
    "parfum homme",
    "laptop 14",
    "montre connectée",
    "yoga mat",
    "couteau japonais",
    "lampe bureau led",
    "tablette",
    "pull mérinos gris",
    "jean slim noir",
    "crème visage bio",
    "cadeau noël",
    "chaussures randonnée",
    "wireless speaker",
];

/// A product as the page shows it.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) category: &'static str,
    pub(crate) price_cents: u64,
}

/// The product of that number.
pub(crate) fn product(number: u16) -> Product {
    let number = usize::from(number) % (KINDS.len() * VARIANTS.len());
    let Kind(category, noun, price) = KINDS[number % KINDS.len()];
    let (variant, percent) = VARIANTS[number / KINDS.len()];
    let price_cents = price * percent / 100 / 10 * 10 + if price < 10_000 { 9 } else { 0 };
    Product { id: format!("P-{}", 1000 + number), name: format!("{noun} {variant}"), category, price_cents }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn products_differ_and_cost_something() {
        let all: BTreeSet<_> = (0..PRODUCTS as u16).map(|number| product(number).name).collect();
        assert_eq!(all.len(), 200);
        assert!((0..PRODUCTS as u16).all(|number| product(number).price_cents > 1_000));
    }
}
