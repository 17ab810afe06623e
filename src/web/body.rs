//! `body!`: the declaration of a request body.

/// Declares a request body: the struct, how it is read (`Body`), and its schema.
///
/// Before each field is how it is taken. Its name in JSON is its own, unless `required name as "other"` says another.
///
/// | declared                   | the struct has   | absent        | null           |
/// |----------------------------|------------------|---------------|----------------|
/// | `required name: T`         | `name: T`        | refused       | refused        |
/// | `optional name: T`         | `name: Option<T>`| `None`        | `None`         |
/// | `optional name: T = value` | `name: T`        | `value`       | `value`        |
/// | `replace name: T`          | `name: Option<T>`| `None`: keep  | refused        |
/// | `patch name: T`            | `name: Patch<T>` | `Patch::Keep` | `Patch::Remove`|
///
/// `struct Edit patches New;` after the declaration of `New` declares the body that edits what `New` makes, field by
/// field: `replace` for what `New` requires, `patch` for what is optional there. A `New` is an `Edit` that keeps nothing.
macro_rules! body {
    // One field at a time: first the field of the struct, then how it is read.
    (@take $head:tt [$($fields:tt)*] [$($taken:tt)*]
     $(#[$attr:meta])* required $field:ident $(as $wire:literal)?: $type:ty, $($rest:tt)*) => {
        $crate::web::body! { @take $head
            [$($fields)* $(#[$attr])* $(#[schema(rename = $wire)])? pub $field: $type,]
            [$($taken)* { $field $(as $wire)?: required }]
            $($rest)*
        }
    };
    (@take $head:tt [$($fields:tt)*] [$($taken:tt)*]
     $(#[$attr:meta])* optional $field:ident: $type:ty, $($rest:tt)*) => {
        $crate::web::body! { @take $head
            [$($fields)* $(#[$attr])* pub $field: Option<$type>,]
            [$($taken)* { $field: optional }]
            $($rest)*
        }
    };
    (@take $head:tt [$($fields:tt)*] [$($taken:tt)*]
     $(#[$attr:meta])* optional $field:ident: $type:ty = $default:expr, $($rest:tt)*) => {
        $crate::web::body! { @take $head
            [$($fields)* $(#[$attr])* #[schema(value_type = Option<$type>)] pub $field: $type,]
            [$($taken)* { $field: optional = $default }]
            $($rest)*
        }
    };
    (@take $head:tt [$($fields:tt)*] [$($taken:tt)*]
     $(#[$attr:meta])* replace $field:ident: $type:ty, $($rest:tt)*) => {
        $crate::web::body! { @take $head
            [$($fields)* $(#[$attr])* #[schema(nullable = false)] pub $field: Option<$type>,]
            [$($taken)* { $field: replace }]
            $($rest)*
        }
    };
    (@take $head:tt [$($fields:tt)*] [$($taken:tt)*]
     $(#[$attr:meta])* patch $field:ident: $type:ty, $($rest:tt)*) => {
        $crate::web::body! { @take $head
            [$($fields)* $(#[$attr])* #[schema(value_type = Option<$type>)]
             pub $field: $crate::domain::Patch<$type>,]
            [$($taken)* { $field: patch }]
            $($rest)*
        }
    };
    (@take [$(#[$attr:meta])* $vis:vis struct $name:ident] [$($fields:tt)*]
     [$({ $field:ident $(as $wire:literal)?: $take:ident $(= $default:expr)? })*]) => {
        #[derive(utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$attr])*
        $vis struct $name {
            $($fields)*
        }

        impl $crate::web::Body for $name {
            fn read(fields: &mut $crate::web::Fields) -> Option<Self> {
                // All fields are read before the first error returns, so that each error is found.
                $(
                    let $field = fields.$take($crate::web::body!(@name $field $($wire)?));
                    $(let $field = $field.map(|value| value.unwrap_or($default));)?
                )*
                Some(Self { $($field: $field?),* })
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $wire:literal) => { $wire };

    // The fields of the body that edits.
    (@edit $head:tt [$($fields:tt)*] $(#[$attr:meta])* required $field:ident: $type:ty, $($rest:tt)*) => {
        $crate::web::body! { @edit $head [$($fields)* replace $field: $type,] $($rest)* }
    };
    (@edit $head:tt [$($fields:tt)*] $(#[$attr:meta])* optional $field:ident: $type:ty, $($rest:tt)*) => {
        $crate::web::body! { @edit $head [$($fields)* patch $field: $type,] $($rest)* }
    };
    (@edit [$new:ident; $(#[$attr:meta])* $vis:vis struct $name:ident] [$($take:ident $field:ident: $type:ty,)*]) => {
        $crate::web::body! {
            $(#[$attr])*
            $vis struct $name {
                $($take $field: $type,)*
            }
        }

        impl From<$new> for $name {
            fn from(new: $new) -> Self {
                Self { $($field: new.$field.into()),* }
            }
        }
    };

    ($(#[$attr:meta])* $vis:vis struct $name:ident { $($fields:tt)* }) => {
        $crate::web::body! { @take [$(#[$attr])* $vis struct $name] [] [] $($fields)* }
    };
    ($(#[$attr:meta])* $vis:vis struct $name:ident { $($fields:tt)* }
     $(#[$edit_attr:meta])* $edit_vis:vis struct $edit:ident patches $new:ident;) => {
        $crate::web::body! { $(#[$attr])* $vis struct $name { $($fields)* } }
        $crate::web::body! { @edit [$new; $(#[$edit_attr])* $edit_vis struct $edit] [] $($fields)* }
    };
}

pub(crate) use body;
